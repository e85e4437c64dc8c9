// One deviation: what was seen and expected, and who did what when.

import { allowedActions, startAction } from "./actions.js";
import { getJson } from "./api.js";
import { batchUrl } from "./deviation-row.js";
import { h, prioritySymbol } from "./dom.js";
import { STATES, formatNumber, formatTime, isUnacknowledged, revisionLabel, shortMessage, tagLabel } from "./format.js";
import { store, unitTime } from "./store.js";

const ACTION_LABELS = { acknowledge: "Acknowledge", shelve: "Shelve …", unshelve: "Unshelve", comment: "Comment …" };

export class DeviationDetail {
  constructor(onClose) {
    this.id = null;
    this.element = h("aside", { class: "detail", "aria-label": "Deviation", hidden: true });
    this.onClose = onClose;
  }

  /** Show a deviation. */
  open(deviation) {
    this.id = deviation.deviation_id;
    this.element.hidden = false;
    this.render(deviation, null);
    this.refresh();
  }

  close() {
    this.id = null;
    this.element.hidden = true;
    this.onClose();
  }

  /** It may have changed. */
  async refresh() {
    const id = this.id;
    if (id === null) return;
    try {
      const revisions = await getJson("/api/deviation", { id });
      if (id === this.id) this.render(store.deviations.get(id) ?? revisions.at(-1), revisions);
    } catch {
      /* the banner says what is wrong */
    }
  }

  render(deviation, revisions) {
    const hadFocus = this.element.contains(document.activeElement);
    this.element.replaceChildren(
      h(
        "div",
        { class: "heading" },
        prioritySymbol(deviation.priority, isUnacknowledged(deviation)),
        h("h2", {}, `${deviation.unit} ${deviation.batch_id ?? ""}`),
        h("span", { class: "gap" }),
        h("button", { class: "plain", "aria-label": "Close", title: "Close (Esc)", onclick: () => this.close() }, "×"),
      ),
      h("p", { class: "cause" }, shortMessage(deviation)),
      h(
        "p",
        { class: "quiet" },
        `${STATES[deviation.state] ?? "Over"} · ${deviation.priority} · ${deviation.category}${deviation.grade === "advisory" ? ", advisory" : ""}${deviation.phase ? ` · ${deviation.phase}` : ""}`,
      ),
      h(
        "div",
        { class: "buttons" },
        allowedActions(deviation)
          .filter(() => deviation.state !== "NORM")
          .map((action) =>
            h(
              "button",
              { class: action === "acknowledge" ? "chief" : "", onclick: () => startAction(action, deviation) },
              ACTION_LABELS[action],
            ),
          ),
        h("a", { class: "button", href: batchUrl(deviation), "data-view": true }, "Batch"),
      ),
      ...contributorList(deviation.contributors ?? []),
      h("h3", {}, "History"),
      h(
        "ol",
        { class: "history" },
        (revisions ?? []).map((revision, k) => historyEntry(revision, revisions[k - 1])).reverse(),
      ),
      h(
        "p",
        { class: "quiet small" },
        deviation.deviation_id,
        h("br"),
        `reference ${deviation.reference ?? "none"}`,
        h("br"),
        deviation.statistic
          ? `${deviation.statistic.name} ${formatNumber(deviation.statistic.value)} over ${formatNumber(deviation.statistic.limit)}`
          : "",
      ),
    );
    if (hadFocus) this.element.querySelector("button")?.focus();
  }
}

function historyEntry(revision, previous) {
  const by = revision.by ?? "PATrol";
  return h(
    "li",
    {},
    h("time", { datetime: revision.changed_at }, formatTime(revision.changed_at, unitTime(revision.unit))),
    " ",
    h("b", {}, by),
    ` ${revisionLabel(revision, previous)}`,
    revision.by && revision.comment ? h("q", {}, revision.comment) : null,
    revision.shelved_until
      ? h("span", { class: "quiet" }, ` until ${formatTime(revision.shelved_until, unitTime(revision.unit))}`)
      : null,
  );
}

/** The tags responsible, with bars of their shares. */
export function contributorList(contributors) {
  if (contributors.length === 0) return [];
  return [
    h("h3", {}, "Responsible"),
    h(
      "ul",
      { class: "contributors" },
      contributors.map((contributor) => {
        const fill = h("i", {});
        fill.style.width = `${contributor.share * 100}%`;
        const valueText =
          contributor.observed === undefined
            ? ""
            : `${formatNumber(contributor.observed)}, expected ${formatNumber(contributor.expected)} ${contributor.unit_of_measure ?? ""}`;
        const z =
          contributor.z === undefined || contributor.z === null
            ? ""
            : `z ${contributor.z > 0 ? "+" : "−"}${Math.abs(contributor.z).toFixed(1)}`;
        return h(
          "li",
          {},
          h(
            "span",
            { class: "row" },
            h("b", {}, tagLabel(contributor.tag)),
            h("span", {}, `${Math.round(contributor.share * 100)} %`),
          ),
          h("span", { class: "track" }, fill),
          h("span", { class: "row quiet" }, h("span", {}, valueText), h("span", {}, z)),
        );
      }),
    ),
  ];
}
