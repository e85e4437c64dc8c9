// The alarm system's own figures: what it asks of people, beside what ISA-18.2 recommends.

import { getJson } from "./api.js";
import { h, setText } from "./dom.js";
import { formatDuration, formatTime } from "./format.js";

const REFRESH_MS = 10000;

export class AlarmMetricsScreen {
  constructor(query) {
    this.batch = query.get("batch") ?? "";
    this.title = "PATrol alarm system";
    this.lastLoadAt = -REFRESH_MS;
    this.periodLabel = h("span", { class: "quiet" });
    this.batchSelect = h(
      "select",
      { "aria-label": "Of what", onchange: () => this.selectBatch(this.batchSelect.value) },
      h("option", { value: "" }, "all units, up to 30 days"),
    );
    this.body = h("div", { class: "audit" });
    this.element = h(
      "div",
      { class: "batchpage" },
      h(
        "div",
        { class: "heading" },
        h("h1", {}, "The alarm system"),
        this.periodLabel,
        h("span", { class: "gap" }),
        this.batchSelect,
      ),
      this.body,
    );
  }

  render() {
    this.load();
  }
  onStoreChange() {}
  tick() {
    if (performance.now() - this.lastLoadAt > REFRESH_MS) this.load();
  }
  handleKey() {
    return false;
  }
  dispose() {}

  // -- inside --------------------------------------------------------------------------------------------------

  selectBatch(batch) {
    this.batch = batch;
    history.replaceState(null, "", batch ? `/alarms?${new URLSearchParams({ batch })}` : "/alarms");
    this.load();
  }

  async load() {
    this.lastLoadAt = performance.now();
    try {
      this.showMetrics(await getJson("/api/alarms", { batch: this.batch }));
    } catch (error) {
      this.body.replaceChildren(h("p", { class: "empty" }, `No figures: ${error.message}`));
    }
  }

  showMetrics({ lines, figures, batches }) {
    if (this.batchSelect.options.length !== batches.length + 1) {
      this.batchSelect.replaceChildren(
        this.batchSelect.options[0],
        ...batches.map((batch) => h("option", { value: batch }, `batch ${batch}`)),
      );
    }
    this.batchSelect.value = this.batch;
    setText(
      this.periodLabel,
      `${formatTime(figures.since)} to ${formatTime(figures.until)} UTC, ${figures.rate.annunciated} annunciations`,
    );
    this.body.replaceChildren(targetsCard(lines), frequentAlarmsCard(figures.frequent), standingAlarmsCard(figures));
  }
}

function targetsCard(lines) {
  const metLabels = { true: "✓ met", false: "✗ not met" };
  return card(
    "Beside what ISA-18.2 recommends",
    h(
      "table",
      { class: "figures" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ["Figure", "Value", "Recommended", ""].map((header) => h("th", { scope: "col" }, header)),
        ),
      ),
      h(
        "tbody",
        {},
        lines.map((line) =>
          h(
            "tr",
            { class: line.met === false ? "unmet" : "" },
            h("td", {}, line.name),
            h("td", {}, h("b", {}, line.value)),
            h("td", { class: "quiet" }, line.target),
            h("td", {}, metLabels[line.met] ?? "–"),
          ),
        ),
      ),
    ),
  );
}

function frequentAlarmsCard({ sources, chattering }) {
  const rows = sources.map((entry) => {
    const fill = h("i", {});
    fill.style.width = `${entry.share * 100}%`;
    const chatteringLabel = chattering.includes(entry.source) ? h("span", { class: "warn" }, " chattering") : null;
    return h(
      "li",
      {},
      h("span", { class: "row" }, h("span", {}, entry.source, chatteringLabel), h("b", {}, String(entry.annunciated))),
      h("span", { class: "track" }, fill),
    );
  });
  return card(
    "Most frequent",
    rows.length ? h("ol", { class: "contributors" }, rows) : h("p", { class: "quiet" }, "Nothing was annunciated."),
  );
}

function standingAlarmsCard({ standing: standingAlarms, flooding, rate, suppression }) {
  const peak = rate.peak_at ? `${rate.peak}, up to ${formatTime(rate.peak_at)} UTC` : "none";
  const entries = [
    ["Busiest ten minutes", peak],
    [
      "Floods",
      flooding.floods
        ? `${flooding.floods}, ${formatDuration(flooding.seconds)} in all${flooding.now ? ", one now" : ""}`
        : "none",
    ],
    ["Longest active", formatDuration(standingAlarms.longest_active_s)],
    ["Longest unacknowledged", formatDuration(standingAlarms.longest_unacknowledged_s)],
    [
      "Stood for over 24 h",
      `${standingAlarms.stale}${standingAlarms.stale_now.length ? `, still: ${standingAlarms.stale_now.join(", ")}` : ""}`,
    ],
    ["Shelvings", String(suppression.shelvings)],
  ];
  return card(
    "Standing, floods, shelvings",
    h(
      "dl",
      { class: "keys" },
      entries.flatMap(([name, value]) => [h("dt", { class: "quiet" }, name), h("dd", {}, value)]),
    ),
  );
}

function card(title, content) {
  return h("section", { class: "sheet" }, h("h2", {}, title), content);
}
