// One batch: every tag against the envelope of released batches, T² and SPE, and who was responsible when.

import { getJson } from "./api.js";
import { batchStatus, batchWarning, chartLegend, compareLabel } from "./batch-labels.js";
import { Chart, ChartGroup } from "./charts.js";
import { h, setText } from "./dom.js";
import { tagLabel } from "./format.js";
import { notify } from "./notification.js";
import { contributionsPanel, deviationsPanel } from "./side-panel.js";
import { store } from "./store.js";
import { ageToX, deviationSpans, interpolate, phaseAt, statisticTraces, tagTraces, xValues } from "./traces.js";

const REFRESH_MS = 1000; // between two looks at a batch that runs

export class BatchScreen {
  constructor(query) {
    this.unit = query.get("unit") ?? "";
    this.batch = query.get("batch") ?? "";
    this.xAxis = query.get("x");
    this.comparedKey = query.get("with");
    this.selectedAge_h = query.has("at") ? Number(query.get("at")) : null; // batch age, h
    this.title = `PATrol ${this.unit} ${this.batch}`;
    this.group = new ChartGroup((x) => this.selectAge(this.ageFromX(x)));
    this.lastLoadAt = 0;
    this.build();
    addEventListener("patrol-theme", (this.onThemeChange = () => this.charts?.forEach((chart) => chart.rebuild())));
  }

  // -- the page's own ------------------------------------------------------------------------------------------

  render() {
    this.load();
  }

  onStoreChange(change) {
    if (
      change.isSnapshot ||
      change.units.has(this.unit) ||
      [...change.deviations].some((id) => id.startsWith(`${this.unit}/`))
    )
      this.needsReload = true;
  }

  tick() {
    if (this.needsReload && performance.now() - this.lastLoadAt > REFRESH_MS * 0.8) this.load();
  }

  dispose() {
    removeEventListener("patrol-theme", this.onThemeChange);
    this.charts?.forEach((chart) => chart.dispose());
  }

  handleKey(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key in steps && this.batchData?.age_h.length)
      this.stepSelection(steps[event.key] * (event.shiftKey ? 10 : 1));
    else if (event.key === "x") this.setXAxis(this.xAxis === "maturity" ? "age" : "maturity");
    else if (event.key === "Escape" && this.selectedAge_h !== null) this.selectAge(null);
    else return false;
    return true;
  }

  // -- inside --------------------------------------------------------------------------------------------------

  build() {
    this.heading = h("h1", {}, `${this.unit} ${this.batch}`);
    this.statusLine = h("span", { class: "quiet" });
    this.warningLine = h("span", { class: "warn" });
    const selectBox = (label, onSelect, ...options) =>
      h("select", { "aria-label": label, onchange: (event) => onSelect(event.target.value) }, ...options);
    const ageOption = h("option", { value: "age" }, "by batch age (h)");
    const maturityOption = h("option", { value: "maturity" }, "by maturity");
    this.xAxisSelect = selectBox("What runs along", (xAxis) => this.setXAxis(xAxis), ageOption, maturityOption);
    const noneOption = h("option", { value: "" }, "compare with …");
    this.compareSelect = selectBox("Compare with", (key) => this.setComparison(key), noneOption);
    this.chartGrid = h("div", { class: "charts", tabindex: 0, role: "region", "aria-label": "Charts" });
    this.sidePanel = h("aside", { class: "side", "aria-label": "At the chosen moment" });
    this.legend = chartLegend();
    const gap = h("span", { class: "gap" });
    const copyButton = h("button", { onclick: () => this.copyLink() }, "Copy link");
    this.element = h(
      "div",
      { class: "batchpage" },
      h(
        "div",
        { class: "heading" },
        this.heading,
        this.statusLine,
        this.warningLine,
        gap,
        this.xAxisSelect,
        this.compareSelect,
        copyButton,
      ),
      h("div", { class: "columns" }, this.chartGrid, this.sidePanel),
    );
  }

  async load() {
    this.lastLoadAt = performance.now();
    this.needsReload = false;
    try {
      const batchData = await getJson("/api/batch", { unit: this.unit, batch: this.batch });
      if (this.envelope === undefined || (batchData.reference ?? null) !== this.reference) {
        this.envelope = await getJson("/api/envelope"); // the first time, and when another reference has been taken up
        this.reference = batchData.reference ?? null;
      }
      if (this.compareSelect.options.length === 1) await this.loadCompareOptions();
      if (this.comparedKey && !this.comparedBatch) this.comparedBatch = await this.loadComparedBatch(this.comparedKey);
      const isFirstLoad = this.batchData === undefined;
      this.batchData = batchData;
      this.xAxis ??= "age";
      this.update(isFirstLoad);
    } catch (error) {
      if (this.batchData === undefined)
        this.chartGrid.replaceChildren(
          h("p", { class: "empty" }, `${this.unit} ${this.batch || "has had no batch here"}: ${error.message}`),
        );
    }
  }

  async loadCompareOptions() {
    const batches = await getJson("/api/batches");
    const others = batches.filter((entry) => entry.batch !== this.batch);
    const optionValue = (entry) => `${entry.unit}|${entry.batch ?? ""}`;
    const options = others.map((entry) => h("option", { value: optionValue(entry) }, compareLabel(entry)));
    this.compareSelect.append(...options);
    if (this.comparedKey) this.compareSelect.value = this.comparedKey;
  }

  async loadComparedBatch(key) {
    const [unit, ...parts] = key.split("|");
    try {
      return await getJson("/api/batch", { unit, batch: parts.join("|") });
    } catch (error) {
      notify(error.message, true);
      return null;
    }
  }

  update(isFirstLoad) {
    this.updateHeading();
    this.updateChartGroup();
    if (!this.charts) {
      this.statisticCharts = [
        new Chart("T²", "", this.group, { logScale: true, cssClass: "plane" }),
        new Chart("SPE", "", this.group, { logScale: true, cssClass: "plane" }),
      ];
      this.tagCharts = store.session.tags.map((tag) => new Chart(tagLabel(tag.name), tag.unit_of_measure, this.group));
      this.charts = [...this.statisticCharts, ...this.tagCharts];
      this.chartGrid.replaceChildren(...this.charts.map((chart) => chart.element));
    }
    this.updateTraces();
    this.xAxisSelect.value = this.xAxis;
    if (isFirstLoad || this.selectedAge_h === null) this.updateSidePanel();
  }

  updateHeading() {
    const { batchData, envelope } = this;
    const unit = store.units.get(this.unit);
    setText(this.heading, `${this.unit || batchData.unit} ${batchData.batch ?? ""}`);
    setText(this.statusLine, batchStatus(batchData, unit));
    setText(this.warningLine, batchWarning(batchData, unit, envelope));
  }

  /** Phases, deviations and the chosen moment on this x. */
  updateChartGroup() {
    const { batchData, group, xAxis, selectedAge_h } = this,
      toX = ageToX(batchData, xAxis);
    group.phases = (batchData.phases ?? []).map(({ phase, age_h }) => ({ phase, x: toX(age_h) }));
    group.deviationSpans = deviationSpans(batchData, toX);
    group.selectedX = selectedAge_h === null ? null : toX(selectedAge_h);
    const lastX = (xs) => xs?.findLast((x) => x !== null) ?? 0;
    const envelopeEnd = this.envelope.maturity ? lastX(xValues(this.envelope, xAxis)) : 0;
    group.range = [0, Math.max(envelopeEnd, lastX(xValues(batchData, xAxis)), 1e-6)];
  }

  updateTraces() {
    const { batchData, envelope, comparedBatch, xAxis } = this;
    this.statisticCharts[0].setTraces(...statisticTraces("t2", batchData, comparedBatch, xAxis));
    this.statisticCharts[1].setTraces(...statisticTraces("spe", batchData, comparedBatch, xAxis));
    store.session.tags.forEach(({ name }, k) =>
      this.tagCharts[k].setTraces(...tagTraces(name, { batchData, envelope, comparedBatch }, xAxis)),
    );
  }

  /** The age at a place on x. */
  ageFromX(x) {
    return this.xAxis === "maturity" && this.batchData.maturity
      ? interpolate([x], this.batchData.maturity, this.batchData.age_h)[0]
      : x;
  }

  selectAge(age_h) {
    this.selectedAge_h = age_h === null ? null : Math.min(Math.max(age_h, 0), this.batchData.age_h.at(-1) ?? 0);
    this.updateUrl();
    this.updateChartGroup();
    this.charts?.forEach((chart) => chart.redraw());
    this.updateSidePanel();
  }

  stepSelection(count) {
    const ages = this.batchData.age_h;
    const current =
      this.selectedAge_h === null
        ? ages.length - 1
        : ages.reduce(
            (nearest, age, k) =>
              Math.abs(age - this.selectedAge_h) < Math.abs(ages[nearest] - this.selectedAge_h) ? k : nearest,
            0,
          );
    this.selectAge(ages[Math.min(Math.max(current + count, 0), ages.length - 1)]);
  }

  setXAxis(xAxis) {
    this.xAxis = xAxis;
    this.updateUrl();
    if (this.batchData) this.update(false);
  }

  async setComparison(key) {
    this.comparedKey = key || null;
    this.comparedBatch = this.comparedKey ? await this.loadComparedBatch(this.comparedKey) : null;
    this.updateUrl();
    this.update(false);
  }

  /** The link that shows the same. */
  updateUrl() {
    const query = new URLSearchParams({ unit: this.unit, batch: this.batchData?.batch ?? this.batch });
    if (this.xAxis === "maturity") query.set("x", "maturity");
    if (this.selectedAge_h !== null) query.set("at", this.selectedAge_h.toFixed(3));
    if (this.comparedKey) query.set("with", this.comparedKey);
    history.replaceState(null, "", `/batch?${query}`);
  }

  async copyLink() {
    this.updateUrl();
    try {
      await navigator.clipboard.writeText(location.href);
      notify("link copied: it shows this batch, moment and comparison");
    } catch {
      notify("the browser does not let this page copy; the address bar has the link", true);
    }
  }

  /** Who is responsible at the chosen moment, or now. */
  async updateSidePanel() {
    const age_h = this.selectedAge_h ?? this.batchData.age_h.at(-1) ?? 0;
    const request = (this.latestRequest = Symbol("moment"));
    let contributions = { contributors: [], from: "nothing" };
    if (!this.batchData.learnt) {
      contributions = await getJson("/api/contributions", { unit: this.unit, batch: this.batch, age_h }).catch(
        () => contributions,
      );
    }
    if (request !== this.latestRequest) return;
    const topTags =
      this.selectedAge_h === null ? [] : contributions.contributors.slice(0, 3).map((contributor) => contributor.tag);
    store.session.tags.forEach(({ name }, k) =>
      this.tagCharts[k].element.classList.toggle("ranked", topTags.includes(name)),
    );
    const title = [this.selectedAge_h === null ? "Now" : `At ${age_h.toFixed(2)} h`, phaseAt(this.batchData, age_h)];
    this.sidePanel.replaceChildren(
      this.legend,
      ...contributionsPanel(title.filter(Boolean).join(", "), contributions),
      ...deviationsPanel(this.batchData, (age) => this.selectAge(age)),
    );
  }
}
