// A deviation's row in the list.

import { allowedActions, startAction } from "./actions.js";
import { h, prioritySymbol } from "./dom.js";
import { SHORT_STATES, STATES, formatTime, isUnacknowledged, shortMessage } from "./format.js";
import { unitTime } from "./store.js";

const ACTION_LABELS = { acknowledge: "Ack", shelve: "Shelve", unshelve: "Unshelve", comment: "Comment" };

/** Its cells; `ageElement` is kept up to date by the list. */
export function rowCells(deviation, ageElement) {
  const shelvedUntil =
    deviation.state === "SHLVD" && deviation.shelved_until
      ? ` until ${formatTime(deviation.shelved_until, unitTime(deviation.unit))}`
      : "";
  const advisoryTag =
    deviation.grade === "advisory"
      ? [h("span", { class: "tag", title: "Only the learner sees it; the approved reference does not" }, "advisory")]
      : [];
  return [
    h(
      "td",
      { class: "c-priority" },
      prioritySymbol(deviation.priority, isUnacknowledged(deviation)),
      h("span", {}, deviation.priority),
    ),
    h(
      "td",
      { class: "c-state", title: STATES[deviation.state] },
      SHORT_STATES[deviation.state],
      h("span", { class: "quiet" }, shelvedUntil),
    ),
    h("td", { class: "c-unit" }, deviation.unit),
    h(
      "td",
      { class: "c-batch" },
      deviation.batch_id
        ? h(
            "a",
            { href: batchUrl(deviation), "data-view": true, tabindex: -1, title: "Open the batch (b)" },
            deviation.batch_id,
          )
        : "–",
    ),
    h(
      "td",
      { class: "c-deviation" },
      h("span", { class: "cause" }, shortMessage(deviation)),
      h("span", { class: "tag" }, deviation.category),
      ...advisoryTag,
    ),
    h("td", { class: "c-age", title: `raised ${deviation.raised_at}` }, ageElement),
    h("td", { class: "c-who" }, lastActor(deviation)),
    h(
      "td",
      { class: "c-act" },
      allowedActions(deviation).map((action) =>
        h(
          "button",
          {
            class: action === "acknowledge" ? "chief" : "plain",
            tabindex: -1,
            onclick: () => startAction(action, deviation),
          },
          ACTION_LABELS[action],
        ),
      ),
    ),
  ];
}

/** Who acted last, and what they said. */
function lastActor(deviation) {
  const lastAction = deviation.acted;
  if (!lastAction) return "";
  const comment = lastAction.comment
    ? [h("span", { class: "quiet", title: lastAction.comment }, ` “${lastAction.comment}”`)]
    : [];
  return h("span", { title: `${lastAction.by}, ${lastAction.at}` }, lastAction.by, ...comment);
}

/** Where the batch page shows it. */
export function batchUrl(deviation) {
  const query = new URLSearchParams({ unit: deviation.unit, batch: deviation.batch_id ?? "" });
  if (deviation.raised_age_s !== undefined && deviation.raised_age_s !== null)
    query.set("at", (deviation.raised_age_s / 3600).toFixed(3));
  return `/batch?${query}`;
}
