// How a batch stands, in words.

import { h } from "./dom.js";
import { formatTime } from "./format.js";

/** One line below its name. */
export function batchStatus(batchData, unit) {
  const maturity = batchData.maturity?.findLast((m) => m !== null);
  const parts = [
    batchData.product,
    runState(batchData),
    batchData.running ? unit?.phase : null,
    batchData.started ? `since ${formatTime(batchData.started)} UTC` : null,
    batchData.age_h.length ? `age ${batchData.age_h.at(-1).toFixed(1)} h` : null,
    maturity === undefined ? null : `maturity ${Math.round(maturity * 100)} %`,
  ];
  return parts.filter(Boolean).join(" · ");
}

/** What speaks against what is shown; "" when nothing does. */
export function batchWarning(batchData, unit, envelope) {
  if (batchData.running && unit?.reference && envelope.reference && unit.reference !== envelope.reference) {
    return `Judged by ${unit.reference}, this page knows ${envelope.reference}: the console's log says why.`;
  }
  if (batchData.lost_messages !== null && batchData.lost_messages !== undefined) {
    const count = batchData.lost_messages || "Some";
    return `${count} message(s) were removed from Kafka before they were read: what was in them is not judged.`;
  }
  return batchData.whole === false ? "Its first scans are not here: T² and SPE as the scores say them." : "";
}

/** A batch among those to compare with. */
export function compareLabel(batch) {
  const state = batch.learnt ? "learnt" : batch.running ? "running" : batch.outcome;
  return `${batch.batch ?? "continuous"} ${batch.unit}${state ? ` (${state})` : ""}`;
}

/** What the lines and grounds of the charts are. */
export function chartLegend() {
  const entry = (cssClass, label) => h("span", {}, h("i", { class: cssClass }), label);
  return h(
    "div",
    { class: "key" },
    entry("run", "this batch"),
    entry("band", "released batches, 99 %"),
    entry("other", "compared"),
    entry("limit", "limit"),
  );
}

function runState(batchData) {
  if (batchData.running) return "running";
  if (batchData.learnt) return "one of the reference's own";
  return batchData.outcome ? `ended, ${batchData.outcome}` : "ended";
}
