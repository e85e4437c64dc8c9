// How a batch stands, in words.

import { h } from "./dom.js";
import { moment } from "./words.js";

/** One line below its name. */
export function standing(told, unit) {
  const maturity = told.maturity?.findLast((m) => m !== null);
  const parts = [
    told.product,
    whereabouts(told),
    told.running ? unit?.phase : null,
    told.started ? `since ${moment(told.started)} UTC` : null,
    told.age_h.length ? `age ${told.age_h.at(-1).toFixed(1)} h` : null,
    maturity === undefined ? null : `maturity ${Math.round(maturity * 100)} %`,
  ];
  return parts.filter(Boolean).join(" · ");
}

/** What speaks against what is shown; "" when nothing does. */
export function warning(told, unit, envelope) {
  if (told.running && unit?.reference && envelope.reference && unit.reference !== envelope.reference) {
    return `Judged by ${unit.reference}, this page knows ${envelope.reference}: the console's log says why.`;
  }
  return told.whole === false ? "Its first scans are not here: T² and SPE as the scores say them." : "";
}

/** A batch among those to compare with. */
export function named(each) {
  const state = each.learnt ? "learnt" : each.running ? "running" : each.outcome;
  return `${each.batch ?? "continuous"} ${each.unit}${state ? ` (${state})` : ""}`;
}

/** What the lines and grounds of the charts are. */
export function legend() {
  const entry = (kind, words) => h("span", {}, h("i", { class: kind }), words);
  return h(
    "div",
    { class: "key" },
    entry("run", "this batch"),
    entry("band", "released batches, 99 %"),
    entry("other", "compared"),
    entry("limit", "limit"),
  );
}

function whereabouts(told) {
  if (told.running) return "running";
  if (told.learnt) return "one of the reference's own";
  return told.outcome ? `ended, ${told.outcome}` : "ended";
}
