// The plant at a glance: a tile a unit, always in the same place.

import { h, prioritySymbol, setText } from "./dom.js";
import { PRIORITIES, formatDuration, formatNumber, formatTime, isUnacknowledged, tagLabel } from "./format.js";
import { store, unitTime } from "./store.js";

const COMPACT_FROM = 16; // from so many units on tiles are small
const SILENT_AFTER_S = 30;

export class UnitTiles {
  constructor() {
    this.tiles = new Map();
    const placeholder = h("p", { class: "quiet" }, "No unit has been heard of yet.");
    this.element = h("section", { class: "plant", "aria-label": "Units" }, placeholder);
  }

  /** Tiles of these units; null: all of them. */
  render(units = null) {
    const names = [...store.units.keys()].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
    if (names.length !== this.tiles.size || names.some((name) => !this.tiles.has(name))) this.createTiles(names);
    const openDeviations = openDeviationsByUnit();
    for (const name of units ?? names)
      this.tiles.get(name)?.update(store.units.get(name), openDeviations.get(name) ?? []);
  }

  /** What changes by itself. */
  tick() {
    for (const tile of this.tiles.values()) tile.tick();
  }

  createTiles(names) {
    this.tiles = new Map(names.map((name) => [name, this.tiles.get(name) ?? new UnitTile(name)]));
    this.element.replaceChildren(...[...this.tiles.values()].map((tile) => tile.element));
    this.element.classList.toggle("many", names.length > COMPACT_FROM);
    for (const tile of this.tiles.values()) tile.compact = names.length > COMPACT_FROM;
  }
}

function openDeviationsByUnit() {
  const openDeviations = new Map();
  for (const deviation of store.deviations.values()) {
    if (!openDeviations.has(deviation.unit)) openDeviations.set(deviation.unit, []);
    openDeviations.get(deviation.unit).push(deviation);
  }
  return openDeviations;
}

class UnitTile {
  constructor(name) {
    this.name = name;
    this.badges = h("span", { class: "badges" });
    this.batchLabel = h("span", { class: "batch" });
    this.phaseLabel = h("span", { class: "phase" });
    this.maturityBar = progressBar("maturity");
    this.t2Gauge = gauge("T²");
    this.speGauge = gauge("SPE");
    this.worstLabel = h("span", { class: "worst" });
    this.healthLabel = h("span", { class: "health" });
    this.element = h(
      "a",
      { class: "tile", "data-view": true },
      h("span", { class: "head" }, h("b", {}, name), this.badges),
      h("span", { class: "what" }, this.batchLabel, this.phaseLabel),
      this.maturityBar.element,
      h("span", { class: "gauges" }, this.t2Gauge.element, this.speGauge.element),
      this.worstLabel,
      this.healthLabel,
    );
  }

  update(unit, openDeviations) {
    this.unit = unit;
    const batch = unit.batch_id ?? null,
      hasScore = unit.grade !== undefined;
    this.element.setAttribute("href", `/batch?${new URLSearchParams({ unit: this.name, batch: batch ?? "" })}`);
    setText(this.batchLabel, batch ?? (hasScore ? "continuous" : "no batch"));
    setText(this.phaseLabel, [unit.phase, unit.learning ? "learning" : null].filter(Boolean).join(", "));
    this.maturityBar.set(
      unit.maturity ?? 0,
      unit.maturity === undefined ? "" : `${Math.round(unit.maturity * 100)} % of the recipe`,
    );
    this.t2Gauge.set(unit.t2, unit.t2_limit);
    this.speGauge.set(unit.spe, unit.spe_limit);
    const worstTag = unit.worst?.[0];
    setText(
      this.worstLabel,
      worstTag
        ? `${tagLabel(worstTag.tag)}${worstTag.z === undefined ? "" : `  z ${worstTag.z > 0 ? "+" : "−"}${Math.abs(worstTag.z).toFixed(1)}`}`
        : "",
    );
    this.worstLabel.title = worstTag
      ? `${formatNumber(worstTag.observed)} ${worstTag.unit_of_measure ?? ""}, expected ${formatNumber(worstTag.expected)}`
      : "";
    const unfitSensors = unit.unfit_sensors ?? [];
    const healthText = this.compact
      ? `${unfitSensors.length} unfit`
      : `${unfitSensors.length} sensor${unfitSensors.length > 1 ? "s" : ""} unfit: ${unfitSensors.map(tagLabel).join(", ")}`;
    setText(this.healthLabel, unfitSensors.length ? healthText : hasScore ? "sensors fit" : "");
    this.healthLabel.title = unfitSensors.map(tagLabel).join(", ");
    this.element.classList.toggle("unfit", unfitSensors.length > 0);
    this.updateBadges(openDeviations);
    this.tick();
  }

  /** The most urgent open deviation, and how many there are of each priority. */
  updateBadges(openDeviations) {
    const unshelved = openDeviations.filter((d) => d.state !== "SHLVD");
    this.isSilent = unshelved.some((d) => d.cause === "quiet");
    const badges = PRIORITIES.flatMap((priority) => {
      const ofPriority = unshelved.filter((d) => d.priority === priority);
      const label = `${ofPriority.length} ${priority}${ofPriority.some(isUnacknowledged) ? ", unacknowledged" : ""}`;
      return ofPriority.length === 0
        ? []
        : [
            h(
              "span",
              { class: "badge", title: label, "aria-label": label },
              prioritySymbol(priority, ofPriority.some(isUnacknowledged)),
              String(ofPriority.length),
            ),
          ];
    });
    this.badges.replaceChildren(...badges);
    const highestPriority = PRIORITIES.find((priority) => unshelved.some((d) => d.priority === priority));
    this.element.dataset.worst = highestPriority ?? "none";
    this.element.classList.toggle("calls", unshelved.some(isUnacknowledged));
  }

  tick() {
    const unit = this.unit;
    if (!unit) return;
    const silence_s = unit.heard ? (Date.now() - Date.parse(unit.heard)) / 1000 : null;
    const isUnjudged = store.systemStatus.unjudged.includes(this.name);
    const isSilent =
      this.isSilent ||
      (unit.grade !== undefined &&
        silence_s !== null &&
        silence_s > Math.max(SILENT_AFTER_S, 5 * (store.session?.cadence_s ?? 0)));
    this.element.classList.toggle("still", isSilent);
    this.element.classList.toggle("unjudged", isUnjudged);
    if (isUnjudged) setText(this.healthLabel, this.compact ? "not judged" : "not judged: is `patrol run` up?");
    else if (isSilent) setText(this.healthLabel, `quiet ${silence_s === null ? "" : formatDuration(silence_s)}`);
    const lastScan = unit.newest ? `last scan ${formatTime(unit.newest, unitTime(this.name))} UTC` : "no scan yet";
    this.element.title = this.worstLabel.textContent
      ? `${lastScan}; furthest from expected: ${this.worstLabel.textContent}`
      : lastScan;
  }
}

function progressBar(cssClass) {
  const fill = h("i", {});
  const element = h("span", { class: cssClass }, fill);
  return {
    element,
    set: (share, title) => {
      fill.style.width = `${Math.min(100, share * 100)}%`;
      element.title = title;
    },
  };
}

/** A statistic over its limit: the tick is the limit, twice the limit fills the bar. */
function gauge(name) {
  const fill = h("i", {}),
    value = h("em", {});
  const element = h("span", { class: "gauge" }, h("small", {}, name), h("span", { class: "track" }, fill), value);
  return {
    element,
    set(statistic, limit) {
      const ratio = statistic === undefined || !(limit > 0) ? null : statistic / limit;
      fill.style.width = `${Math.min(100, (ratio ?? 0) * 50)}%`;
      element.classList.toggle("over", ratio !== null && ratio > 1);
      setText(
        value,
        ratio === null ? "–" : ratio >= 9.95 ? `×${ratio >= 1000 ? "999+" : ratio.toFixed(0)}` : `×${ratio.toFixed(1)}`,
      );
      element.title =
        ratio === null ? `${name}: not judged` : `${name} ${formatNumber(statistic)}, limit ${formatNumber(limit)}`;
    },
  };
}
