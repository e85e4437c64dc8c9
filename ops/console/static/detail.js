// One deviation: what was seen and expected, and who did what when.

import { act, possible } from "./actions.js";
import { ask } from "./ask.js";
import { h, shape } from "./dom.js";
import { batchLink } from "./rows.js";
import { clock, store } from "./store.js";
import { STATES, calls, cause, deed, moment, number, spoken } from "./words.js";

const LABELS = { acknowledge: "Acknowledge", shelve: "Shelve …", unshelve: "Unshelve", comment: "Comment …" };

export class Detail {
  constructor(closed) {
    this.id = null;
    this.element = h("aside", { class: "detail", "aria-label": "Deviation", hidden: true });
    this.closed = closed;
  }

  /** Show a deviation. */
  open(deviation) {
    this.id = deviation.deviation_id;
    this.element.hidden = false;
    this.draw(deviation, null);
    this.refresh();
  }

  close() {
    this.id = null;
    this.element.hidden = true;
    this.closed();
  }

  /** It may have changed. */
  async refresh() {
    const id = this.id;
    if (id === null) return;
    try {
      const revisions = await ask("/api/deviation", { id });
      if (id === this.id) this.draw(store.deviations.get(id) ?? revisions.at(-1), revisions);
    } catch {
      /* the banner says what is wrong */
    }
  }

  draw(deviation, revisions) {
    const held = this.element.contains(document.activeElement);
    this.element.replaceChildren(
      h(
        "div",
        { class: "heading" },
        shape(deviation.priority, calls(deviation)),
        h("h2", {}, `${deviation.unit} ${deviation.batch_id ?? ""}`),
        h("span", { class: "gap" }),
        h("button", { class: "plain", "aria-label": "Close", title: "Close (Esc)", onclick: () => this.close() }, "×"),
      ),
      h("p", { class: "cause" }, cause(deviation)),
      h(
        "p",
        { class: "quiet" },
        `${STATES[deviation.state] ?? "Over"} · ${deviation.priority} · ${deviation.category}${deviation.grade === "advisory" ? ", advisory" : ""}${deviation.phase ? ` · ${deviation.phase}` : ""}`,
      ),
      h(
        "div",
        { class: "buttons" },
        possible(deviation)
          .filter(() => deviation.state !== "NORM")
          .map((action) =>
            h(
              "button",
              { class: action === "acknowledge" ? "chief" : "", onclick: () => act(action, deviation) },
              LABELS[action],
            ),
          ),
        h("a", { class: "button", href: batchLink(deviation), "data-view": true }, "Batch"),
      ),
      ...contributors(deviation.contributors ?? []),
      h("h3", {}, "History"),
      h("ol", { class: "history" }, (revisions ?? []).map((revision, k) => told(revision, revisions[k - 1])).reverse()),
      h(
        "p",
        { class: "quiet small" },
        deviation.deviation_id,
        h("br"),
        `reference ${deviation.reference ?? "none"}`,
        h("br"),
        deviation.statistic
          ? `${deviation.statistic.name} ${number(deviation.statistic.value)} over ${number(deviation.statistic.limit)}`
          : "",
      ),
    );
    if (held) this.element.querySelector("button")?.focus();
  }
}

function told(revision, before) {
  const by = revision.by ?? "PATrol";
  return h(
    "li",
    {},
    h("time", { datetime: revision.changed_at }, moment(revision.changed_at, clock(revision.unit))),
    " ",
    h("b", {}, by),
    ` ${deed(revision, before)}`,
    revision.by && revision.comment ? h("q", {}, revision.comment) : null,
    revision.shelved_until
      ? h("span", { class: "quiet" }, ` until ${moment(revision.shelved_until, clock(revision.unit))}`)
      : null,
  );
}

/** The tags responsible, with bars of their shares. */
export function contributors(list) {
  if (list.length === 0) return [];
  return [
    h("h3", {}, "Responsible"),
    h(
      "ul",
      { class: "contributors" },
      list.map((each) => {
        const fill = h("i", {});
        fill.style.width = `${each.share * 100}%`;
        const apart =
          each.observed === undefined
            ? ""
            : `${number(each.observed)}, expected ${number(each.expected)} ${each.unit_of_measure ?? ""}`;
        const z =
          each.z === undefined || each.z === null ? "" : `z ${each.z > 0 ? "+" : "−"}${Math.abs(each.z).toFixed(1)}`;
        return h(
          "li",
          {},
          h("span", { class: "row" }, h("b", {}, spoken(each.tag)), h("span", {}, `${Math.round(each.share * 100)} %`)),
          h("span", { class: "track" }, fill),
          h("span", { class: "row quiet" }, h("span", {}, apart), h("span", {}, z)),
        );
      }),
    ),
  ];
}
