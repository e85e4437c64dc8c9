// The charts of the batch page: uPlot with a band, limits, phases and deviations drawn in.

import uPlot from "./uplot/uPlot.esm.js";
import { h, say } from "./dom.js";
import { number } from "./words.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize);
const DASHES = [0.3, 0.3];

/** What every chart of a page shares: its cursor, the chosen moment, phases and deviations. */
export class Scene {
  constructor(chosen) {
    this.sync = uPlot.sync(`batch-${Math.random()}`);
    this.chosen = chosen; // told of a click's x
    this.at = null; // the chosen moment, x
    this.phases = []; // { phase, x }
    this.marks = []; // { from, to, priority }
    this.xLabel = "h";
    this.range = [0, 1];
  }
}

/** One chart. `lines`: { stroke, width, dash, band } of each course after x. */
export class Chart {
  constructor(title, unit, scene, { log = false, kind = "" } = {}) {
    this.title = title;
    this.scene = scene;
    this.log = log;
    this.value = h("span", { class: "value" });
    this.unit = unit;
    this.place = h("div", {});
    this.element = h(
      "div",
      { class: `chart ${kind}` },
      h("div", { class: "name" }, h("b", { title }, title), this.value),
      this.place,
    );
    this.plot = null;
    this.lines = [];
    this.watch = new ResizeObserver(() => this.size());
    this.watch.observe(this.element);
  }

  /** Draw courses: data [x, ...], as many lines. */
  show(data, lines) {
    this.data = data;
    const same = this.plot !== null && lines.length === this.lines.length;
    this.lines = lines;
    if (same) {
      this.plot.setData(data, false);
      this.plot.setScale("x", { min: this.scene.range[0], max: this.scene.range[1] });
      this.rest();
      return;
    }
    this.plot?.destroy();
    const box = this.box();
    if (box.width < 20) return;
    this.plot = new uPlot(this.options(box, lines), data, this.place);
    this.scene.sync.sub(this.plot);
    this.rest();
  }

  /** Colours have changed. */
  paint() {
    const { data, lines } = this;
    this.plot?.destroy();
    this.plot = null;
    if (data) this.show(data, lines);
  }

  redraw() {
    this.plot?.redraw(false);
    this.rest();
  }

  leave() {
    this.watch.disconnect();
    this.plot?.destroy();
  }

  // -- inside --------------------------------------------------------------------------------------------------

  box() {
    return { width: this.element.clientWidth - rem() * 0.6, height: this.element.clientHeight - rem() * 1.7 };
  }

  size() {
    const box = this.box();
    if (this.data && (this.plot === null || this.drawn !== rem())) this.paint();
    else if (this.plot && (Math.abs(box.width - this.plot.width) > 1 || Math.abs(box.height - this.plot.height) > 1))
      this.plot.setSize(box);
  }

  /** The value at the cursor, else at the chosen moment, else the last one. */
  rest(index = null) {
    if (!this.plot) return;
    const run = this.lines.findIndex((line) => line.run) + 1;
    const course = this.data[run];
    let at = index;
    if (at === null && this.scene.at !== null) at = this.plot.valToIdx(this.scene.at);
    if (at === null || course[at] === null || course[at] === undefined)
      at = course.findLastIndex((value) => value !== null && value !== undefined);
    say(this.value, at < 0 ? "" : `${number(course[at])} ${this.unit}`);
  }

  options(box, lines) {
    this.drawn = rem(); // letters are this large: on another screen they are drawn anew
    const font = `${(rem() * 0.75).toFixed(1)}px system-ui, sans-serif`;
    const axis = {
      stroke: colour("quiet"),
      font,
      grid: { stroke: `${colour("line")}90`, width: 1 },
      ticks: { show: false },
    };
    const series = lines.map((line) => ({
      stroke: line.stroke ? colour(line.stroke) : undefined,
      width: (line.width ?? 1) * Math.max(1, rem() / 14),
      dash: line.dash ? DASHES.map((d) => d * rem()) : undefined,
      points: { show: false },
      spanGaps: line.spans ?? false,
    }));
    const first = lines.findIndex((line) => line.band);
    return {
      ...box,
      series: [{}, ...series],
      legend: { show: false },
      padding: [rem() * 0.5, 6, 0, 0],
      bands: first < 0 ? [] : [{ series: [first + 2, first + 1], fill: colour("band") }],
      scales: {
        x: { time: false, range: () => this.scene.range },
        y: this.log ? { distr: 3, range: logRange } : { range: { min: { pad: 0.08 }, max: { pad: 0.08 } } },
      },
      axes: [
        { ...axis, size: rem() * 1.7, gap: rem() * 0.35 },
        {
          ...axis,
          size: rem() * 3.1,
          space: rem() * 1.6,
          gap: 2,
          ...(this.log ? { filter: decades, grid: { ...axis.grid, filter: decades } } : {}),
          values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : number(tick, 3))),
        },
      ],
      cursor: {
        sync: { key: this.scene.sync.key, setSeries: false },
        drag: { x: false, y: false },
        points: { show: false },
        y: false,
      },
      hooks: {
        drawClear: [(plot) => this.behind(plot)],
        draw: [(plot) => this.front(plot)],
        setCursor: [(plot) => this.rest(plot.cursor.idx ?? null)],
        ready: [
          (plot) =>
            plot.over.addEventListener("click", () => {
              if (plot.cursor.idx !== null && plot.cursor.idx !== undefined)
                this.scene.chosen(plot.posToVal(plot.cursor.left, "x"));
            }),
        ],
      },
    };
  }

  /** Deviations as grounds behind the courses. */
  behind(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const mark of this.scene.marks) {
      const from = plot.valToPos(mark.from, "x", true),
        to = Math.max(from + 2, plot.valToPos(mark.to, "x", true));
      ctx.fillStyle = colour(`${mark.priority}-ground`);
      ctx.fillRect(from, bbox.top, to - from, bbox.height);
      ctx.fillStyle = colour(mark.priority);
      ctx.fillRect(from, bbox.top, to - from, rem() * 0.2);
      ctx.fillRect(from, bbox.top, 1.5, bbox.height);
    }
    ctx.restore();
  }

  /** Where phases begin, and the chosen moment; above them the phases' names. */
  front(plot) {
    const { ctx, bbox } = plot;
    const upright = (x, name, width, dash) => {
      const at = plot.valToPos(x, "x", true);
      if (at < bbox.left - 1 || at > bbox.left + bbox.width) return;
      ctx.setLineDash(dash);
      ctx.lineWidth = width;
      ctx.strokeStyle = colour(name);
      ctx.beginPath();
      ctx.moveTo(at, bbox.top);
      ctx.lineTo(at, bbox.top + bbox.height);
      ctx.stroke();
    };
    ctx.save();
    for (const { x } of this.scene.phases) upright(x, "quiet", 1, [2, 4]);
    if (this.scene.at !== null) upright(this.scene.at, "accent", 1.5, []);
    if (this.log) this.names(plot);
    ctx.restore();
  }

  /** Of phases, where there is room; no line strikes them through. */
  names(plot) {
    const { ctx, bbox } = plot;
    ctx.font = `${rem() * 0.68}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.setLineDash([]);
    ctx.lineWidth = rem() * 0.25;
    ctx.strokeStyle = colour("panel");
    ctx.fillStyle = colour("quiet");
    this.scene.phases.forEach(({ phase, x }, k) => {
      const at = plot.valToPos(x, "x", true),
        next = this.scene.phases[k + 1],
        end = next ? plot.valToPos(next.x, "x", true) : bbox.left + bbox.width;
      if (ctx.measureText(phase).width + 4 > end - at) return;
      const place = [phase, at + 3, bbox.top + bbox.height - rem() * 0.25];
      ctx.strokeText(...place);
      ctx.fillText(...place);
    });
  }
}

/** Of a logarithmic axis only the powers of ten. */
function decades(_, splits) {
  return splits.map((split) => (Number.isInteger(Math.round(Math.log10(split) * 1e6) / 1e6) ? split : null));
}

function logRange(_, low, high) {
  if (!(low > 0) || !(high > 0)) return [0.1, 10];
  return [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high * 1.2))];
}
