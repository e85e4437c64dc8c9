// The alarm system's own figures: what it asks of people, beside what ISA-18.2 recommends.

import { ask } from "./ask.js";
import { h, say } from "./dom.js";
import { moment, span } from "./words.js";

const FRESH_MS = 10000;

export class Alarms {
  constructor(query) {
    this.batch = query.get("batch") ?? "";
    this.title = "PATrol alarm system";
    this.asked = -FRESH_MS;
    this.period = h("span", { class: "quiet" });
    this.choice = h(
      "select",
      { "aria-label": "Of what", onchange: () => this.choose(this.choice.value) },
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
        this.period,
        h("span", { class: "gap" }),
        this.choice,
      ),
      this.body,
    );
  }

  draw() {
    this.fetch();
  }
  changed() {}
  tick() {
    if (performance.now() - this.asked > FRESH_MS) this.fetch();
  }
  key() {
    return false;
  }
  leave() {}

  // -- inside --------------------------------------------------------------------------------------------------

  choose(batch) {
    this.batch = batch;
    history.replaceState(null, "", batch ? `/alarms?${new URLSearchParams({ batch })}` : "/alarms");
    this.fetch();
  }

  async fetch() {
    this.asked = performance.now();
    try {
      this.show(await ask("/api/alarms", { batch: this.batch }));
    } catch (error) {
      this.body.replaceChildren(h("p", { class: "empty" }, `No figures: ${error.message}`));
    }
  }

  show({ lines, figures, batches }) {
    if (this.choice.options.length !== batches.length + 1) {
      this.choice.replaceChildren(
        this.choice.options[0],
        ...batches.map((batch) => h("option", { value: batch }, `batch ${batch}`)),
      );
    }
    this.choice.value = this.batch;
    say(
      this.period,
      `${moment(figures.since)} to ${moment(figures.until)} UTC, ${figures.rate.annunciated} annunciations`,
    );
    this.body.replaceChildren(targets(lines), frequent(figures.frequent), standing(figures));
  }
}

function targets(lines) {
  const met = { true: "✓ met", false: "✗ not met" };
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
          ["Figure", "Value", "Recommended", ""].map((head) => h("th", { scope: "col" }, head)),
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
            h("td", {}, met[line.met] ?? "–"),
          ),
        ),
      ),
    ),
  );
}

function frequent({ sources, chattering }) {
  const rows = sources.map((each) => {
    const fill = h("i", {});
    fill.style.width = `${each.share * 100}%`;
    const often = chattering.includes(each.source) ? h("span", { class: "warn" }, " chattering") : null;
    return h(
      "li",
      {},
      h("span", { class: "row" }, h("span", {}, each.source, often), h("b", {}, String(each.annunciated))),
      h("span", { class: "track" }, fill),
    );
  });
  return card(
    "Most frequent",
    rows.length ? h("ol", { class: "contributors" }, rows) : h("p", { class: "quiet" }, "Nothing was annunciated."),
  );
}

function standing({ standing: found, flooding, rate, suppression }) {
  const peak = rate.peak_at ? `${rate.peak}, up to ${moment(rate.peak_at)} UTC` : "none";
  const facts = [
    ["Busiest ten minutes", peak],
    ["Floods", flooding.floods ? `${flooding.floods}, ${span(flooding.seconds)} in all${flooding.now ? ", one now" : ""}` : "none"],
    ["Longest active", span(found.longest_active_s)],
    ["Longest unacknowledged", span(found.longest_unacknowledged_s)],
    ["Stood for over 24 h", `${found.stale}${found.stale_now.length ? `, still: ${found.stale_now.join(", ")}` : ""}`],
    ["Shelvings", String(suppression.shelvings)],
  ];
  return card(
    "Standing, floods, shelvings",
    h(
      "dl",
      { class: "keys" },
      facts.flatMap(([name, value]) => [h("dt", { class: "quiet" }, name), h("dd", {}, value)]),
    ),
  );
}

function card(title, content) {
  return h("section", { class: "sheet" }, h("h2", {}, title), content);
}
