// A deviation's row in the list.

import { act, possible } from "./actions.js";
import { h, shape } from "./dom.js";
import { clock } from "./store.js";
import { SHORT, STATES, calls, cause, moment } from "./words.js";

const LABELS = { acknowledge: "Ack", shelve: "Shelve", unshelve: "Unshelve", comment: "Comment" };

/** Its cells; `age` is told the time by the list. */
export function cells(deviation, age) {
  const until =
    deviation.state === "SHLVD" && deviation.shelved_until
      ? ` until ${moment(deviation.shelved_until, clock(deviation.unit))}`
      : "";
  const grade =
    deviation.grade === "advisory"
      ? [h("span", { class: "tag", title: "Only the learner sees it; the approved reference does not" }, "advisory")]
      : [];
  return [
    h("td", { class: "c-priority" }, shape(deviation.priority, calls(deviation)), h("span", {}, deviation.priority)),
    h(
      "td",
      { class: "c-state", title: STATES[deviation.state] },
      SHORT[deviation.state],
      h("span", { class: "quiet" }, until),
    ),
    h("td", { class: "c-unit" }, deviation.unit),
    h(
      "td",
      { class: "c-batch" },
      deviation.batch_id
        ? h(
            "a",
            { href: batchLink(deviation), "data-view": true, tabindex: -1, title: "Open the batch (b)" },
            deviation.batch_id,
          )
        : "–",
    ),
    h(
      "td",
      { class: "c-deviation" },
      h("span", { class: "cause" }, cause(deviation)),
      h("span", { class: "tag" }, deviation.category),
      ...grade,
    ),
    h("td", { class: "c-age", title: `raised ${deviation.raised_at}` }, age),
    h("td", { class: "c-who" }, who(deviation)),
    h(
      "td",
      { class: "c-act" },
      possible(deviation).map((action) =>
        h(
          "button",
          { class: action === "acknowledge" ? "chief" : "plain", tabindex: -1, onclick: () => act(action, deviation) },
          LABELS[action],
        ),
      ),
    ),
  ];
}

/** Who acted last, and what they said. */
function who(deviation) {
  const acted = deviation.acted;
  if (!acted) return "";
  const words = acted.comment ? [h("span", { class: "quiet", title: acted.comment }, ` “${acted.comment}”`)] : [];
  return h("span", { title: `${acted.by}, ${acted.at}` }, acted.by, ...words);
}

/** Where the batch page shows it. */
export function batchLink(deviation) {
  const query = new URLSearchParams({ unit: deviation.unit, batch: deviation.batch_id ?? "" });
  if (deviation.raised_age_s !== undefined && deviation.raised_age_s !== null)
    query.set("at", (deviation.raised_age_s / 3600).toFixed(3));
  return `/batch?${query}`;
}
