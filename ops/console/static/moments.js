// Beside the charts: what was responsible at a moment, and the batch's deviations.

import { contributors } from "./detail.js";
import { h, shape } from "./dom.js";
import { calls, cause, moment, number } from "./words.js";

/** What was found at a moment. */
export function moments(title, found) {
  const source = { score: "as the nearest score says it", nothing: "nothing is kept of this moment" }[found.from] ?? "";
  const plane =
    found.t2 === undefined
      ? []
      : [statistic("T²", found.t2, found.t2_limit), statistic("SPE", found.spe, found.spe_limit)];
  return [
    h("h2", {}, title),
    h("p", { class: "quiet" }, [found.at ? `${moment(found.at)} UTC` : "", source].filter(Boolean).join(", ")),
    ...plane,
    ...contributors(found.contributors),
    h("p", { class: "quiet small" }, "Click a chart, or use ← →, to choose another moment."),
  ];
}

/** The deviations of a batch; each chooses the moment at which it was raised. */
export function deviations(told, choose) {
  const age_h = (d) => (Date.parse(d.raised_at) - Date.parse(told.started)) / 3.6e6;
  const words = (d) => h("span", {}, cause(d), h("span", { class: "quiet" }, ` ${moment(d.raised_at)}`));
  const rows = (told.deviations ?? []).map((d) =>
    h(
      "li",
      {},
      h("button", { class: "plain", onclick: () => choose(age_h(d)) }, shape(d.priority, calls(d)), words(d)),
    ),
  );
  return [h("h3", {}, "Deviations of this batch"), h("ul", { class: "marks" }, rows)];
}

function statistic(name, value, limit) {
  return h(
    "p",
    {},
    h("b", {}, `${name} `),
    `${number(value)}, limit ${number(limit)}`,
    value > limit ? h("span", { class: "warn" }, "  over") : "",
  );
}
