// Beside the charts: what was responsible at a moment, and the batch's deviations.

import { contributorList } from "./deviation-detail.js";
import { h, prioritySymbol } from "./dom.js";
import { formatNumber, formatTime, isUnacknowledged, shortMessage } from "./format.js";

/** What was found at a moment. */
export function contributionsPanel(title, contributions) {
  const source =
    { score: "as the nearest score says it", nothing: "nothing is kept of this moment" }[contributions.from] ?? "";
  const statistics =
    contributions.t2 === undefined
      ? []
      : [
          statisticLine("T²", contributions.t2, contributions.t2_limit),
          statisticLine("SPE", contributions.spe, contributions.spe_limit),
        ];
  return [
    h("h2", {}, title),
    h(
      "p",
      { class: "quiet" },
      [contributions.at ? `${formatTime(contributions.at)} UTC` : "", source].filter(Boolean).join(", "),
    ),
    ...statistics,
    ...contributorList(contributions.contributors),
    h("p", { class: "quiet small" }, "Click a chart, or use ← →, to choose another moment."),
  ];
}

/** The deviations of a batch; each chooses the moment at which it was raised. */
export function deviationsPanel(batchData, onSelect) {
  const raisedAge_h = (d) => (Date.parse(d.raised_at) - Date.parse(batchData.started)) / 3.6e6;
  const label = (d) => h("span", {}, shortMessage(d), h("span", { class: "quiet" }, ` ${formatTime(d.raised_at)}`));
  const items = (batchData.deviations ?? []).map((d) =>
    h(
      "li",
      {},
      h(
        "button",
        { class: "plain", onclick: () => onSelect(raisedAge_h(d)) },
        prioritySymbol(d.priority, isUnacknowledged(d)),
        label(d),
      ),
    ),
  );
  return [h("h3", {}, "Deviations of this batch"), h("ul", { class: "marks" }, items)];
}

function statisticLine(name, value, limit) {
  return h(
    "p",
    {},
    h("b", {}, `${name} `),
    `${formatNumber(value)}, limit ${formatNumber(limit)}`,
    value > limit ? h("span", { class: "warn" }, "  over") : "",
  );
}
