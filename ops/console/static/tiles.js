// The plant at a glance: a tile a unit, always in the same place.

import { h, say, shape } from "./dom.js";
import { clock, store } from "./store.js";
import { PRIORITIES, calls, moment, number, span, spoken } from "./words.js";

const MANY = 16; // from so many units on tiles are small
const QUIET_S = 30;

export class Tiles {
  constructor() {
    this.tiles = new Map();
    const none = h("p", { class: "quiet" }, "No unit has been heard of yet.");
    this.element = h("section", { class: "plant", "aria-label": "Units" }, none);
  }

  /** Tiles of these units; null: all of them. */
  draw(units = null) {
    const names = [...store.units.keys()].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
    if (names.length !== this.tiles.size || names.some((name) => !this.tiles.has(name))) this.arrange(names);
    const open = byUnit();
    for (const name of units ?? names) this.tiles.get(name)?.show(store.units.get(name), open.get(name) ?? []);
  }

  /** What changes by itself. */
  tick() {
    for (const tile of this.tiles.values()) tile.tick();
  }

  arrange(names) {
    this.tiles = new Map(names.map((name) => [name, this.tiles.get(name) ?? new Tile(name)]));
    this.element.replaceChildren(...[...this.tiles.values()].map((tile) => tile.element));
    this.element.classList.toggle("many", names.length > MANY);
    for (const tile of this.tiles.values()) tile.small = names.length > MANY;
  }
}

function byUnit() {
  const open = new Map();
  for (const deviation of store.deviations.values()) {
    if (!open.has(deviation.unit)) open.set(deviation.unit, []);
    open.get(deviation.unit).push(deviation);
  }
  return open;
}

class Tile {
  constructor(name) {
    this.name = name;
    this.badges = h("span", { class: "badges" });
    this.batch = h("span", { class: "batch" });
    this.phase = h("span", { class: "phase" });
    this.maturity = bar("maturity");
    this.t2 = gauge("T²");
    this.spe = gauge("SPE");
    this.worst = h("span", { class: "worst" });
    this.health = h("span", { class: "health" });
    this.element = h(
      "a",
      { class: "tile", "data-view": true },
      h("span", { class: "head" }, h("b", {}, name), this.badges),
      h("span", { class: "what" }, this.batch, this.phase),
      this.maturity.element,
      h("span", { class: "gauges" }, this.t2.element, this.spe.element),
      this.worst,
      this.health,
    );
  }

  show(unit, open) {
    this.unit = unit;
    const batch = unit.batch_id ?? null,
      judged = unit.grade !== undefined;
    this.element.setAttribute("href", `/batch?${new URLSearchParams({ unit: this.name, batch: batch ?? "" })}`);
    say(this.batch, batch ?? (judged ? "continuous" : "no batch"));
    say(this.phase, [unit.phase, unit.learning ? "learning" : null].filter(Boolean).join(", "));
    this.maturity.set(
      unit.maturity ?? 0,
      unit.maturity === undefined ? "" : `${Math.round(unit.maturity * 100)} % of the recipe`,
    );
    this.t2.set(unit.t2, unit.t2_limit);
    this.spe.set(unit.spe, unit.spe_limit);
    const worst = unit.worst?.[0];
    say(
      this.worst,
      worst
        ? `${spoken(worst.tag)}${worst.z === undefined ? "" : `  z ${worst.z > 0 ? "+" : "−"}${Math.abs(worst.z).toFixed(1)}`}`
        : "",
    );
    this.worst.title = worst
      ? `${number(worst.observed)} ${worst.unit_of_measure ?? ""}, expected ${number(worst.expected)}`
      : "";
    const unfit = unit.unfit_sensors ?? [];
    const fitness = this.small
      ? `${unfit.length} unfit`
      : `${unfit.length} sensor${unfit.length > 1 ? "s" : ""} unfit: ${unfit.map(spoken).join(", ")}`;
    say(this.health, unfit.length ? fitness : judged ? "sensors fit" : "");
    this.health.title = unfit.map(spoken).join(", ");
    this.element.classList.toggle("unfit", unfit.length > 0);
    this.mark(open);
    this.tick();
  }

  /** The most urgent open deviation, and how many there are of each priority. */
  mark(open) {
    const seen = open.filter((d) => d.state !== "SHLVD");
    this.quiet = seen.some((d) => d.cause === "quiet");
    const marks = PRIORITIES.flatMap((priority) => {
      const own = seen.filter((d) => d.priority === priority);
      const words = `${own.length} ${priority}${own.some(calls) ? ", unacknowledged" : ""}`;
      return own.length === 0
        ? []
        : [
            h(
              "span",
              { class: "badge", title: words, "aria-label": words },
              shape(priority, own.some(calls)),
              String(own.length),
            ),
          ];
    });
    this.badges.replaceChildren(...marks);
    const worst = PRIORITIES.find((priority) => seen.some((d) => d.priority === priority));
    this.element.dataset.worst = worst ?? "none";
    this.element.classList.toggle("calls", seen.some(calls));
  }

  tick() {
    const unit = this.unit;
    if (!unit) return;
    const silent = unit.heard ? (Date.now() - Date.parse(unit.heard)) / 1000 : null;
    const unjudged = store.pulse.unjudged.includes(this.name);
    const quiet =
      this.quiet ||
      (unit.grade !== undefined && silent !== null && silent > Math.max(QUIET_S, 5 * (store.me?.cadence_s ?? 0)));
    this.element.classList.toggle("still", quiet);
    this.element.classList.toggle("unjudged", unjudged);
    if (unjudged) say(this.health, this.small ? "not judged" : "not judged: is `patrol run` up?");
    else if (quiet) say(this.health, `quiet ${silent === null ? "" : span(silent)}`);
    const newest = unit.newest ? `last scan ${moment(unit.newest, clock(this.name))} UTC` : "no scan yet";
    this.element.title = this.worst.textContent ? `${newest}; furthest from expected: ${this.worst.textContent}` : newest;
  }
}

function bar(kind) {
  const fill = h("i", {});
  const element = h("span", { class: kind }, fill);
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
      say(
        value,
        ratio === null ? "–" : ratio >= 9.95 ? `×${ratio >= 1000 ? "999+" : ratio.toFixed(0)}` : `×${ratio.toFixed(1)}`,
      );
      element.title = ratio === null ? `${name}: not judged` : `${name} ${number(statistic)}, limit ${number(limit)}`;
    },
  };
}
