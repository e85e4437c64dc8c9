// The charts of the batch page: uPlot with a band, limits, phases and deviations drawn in.

import uPlot from "./uplot/uPlot.esm.js";
import { h, setText } from "./dom.js";
import { formatNumber } from "./format.js";

const themeColour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const remPx = () => parseFloat(getComputedStyle(document.documentElement).fontSize);
const DASH_REM = [0.3, 0.3];

/** What every chart of a page shares: its cursor, the chosen moment, phases and deviations. */
export class ChartGroup {
  constructor(onSelect) {
    this.sync = uPlot.sync(`batch-${Math.random()}`);
    this.onSelect = onSelect; // called with a click's x
    this.selectedX = null; // the chosen moment, x
    this.phases = []; // { phase, x }
    this.deviationSpans = []; // { from, to, priority }
    this.xLabel = "h";
    this.range = [0, 1];
  }
}

/** One chart. `styles`: { stroke, width, dash, isBand, isMain } of each trace after x. */
export class Chart {
  constructor(title, unitOfMeasure, group, { logScale = false, cssClass = "" } = {}) {
    this.title = title;
    this.group = group;
    this.logScale = logScale;
    this.valueLabel = h("span", { class: "value" });
    this.unitOfMeasure = unitOfMeasure;
    this.container = h("div", {});
    this.element = h(
      "div",
      { class: `chart ${cssClass}` },
      h("div", { class: "name" }, h("b", { title }, title), this.valueLabel),
      this.container,
    );
    this.plot = null;
    this.styles = [];
    this.resizeObserver = new ResizeObserver(() => this.onResize());
    this.resizeObserver.observe(this.element);
  }

  /** Draw traces: data [x, ...], as many styles. */
  setTraces(data, styles) {
    this.data = data;
    const canReuse = this.plot !== null && styles.length === this.styles.length;
    this.styles = styles;
    if (canReuse) {
      this.plot.setData(data, false);
      this.plot.setScale("x", { min: this.group.range[0], max: this.group.range[1] });
      this.updateValue();
      return;
    }
    this.plot?.destroy();
    const plotSize = this.plotSize();
    if (plotSize.width < 20) return;
    this.plot = new uPlot(this.plotOptions(plotSize, styles), data, this.container);
    this.group.sync.sub(this.plot);
    this.updateValue();
  }

  /** Colours have changed. */
  rebuild() {
    const { data, styles } = this;
    this.plot?.destroy();
    this.plot = null;
    if (data) this.setTraces(data, styles);
  }

  redraw() {
    this.plot?.redraw(false);
    this.updateValue();
  }

  dispose() {
    this.resizeObserver.disconnect();
    this.plot?.destroy();
  }

  // -- inside --------------------------------------------------------------------------------------------------

  plotSize() {
    return { width: this.element.clientWidth - remPx() * 0.6, height: this.element.clientHeight - remPx() * 1.7 };
  }

  onResize() {
    const plotSize = this.plotSize();
    if (this.data && (this.plot === null || this.drawnRemPx !== remPx())) this.rebuild();
    else if (
      this.plot &&
      (Math.abs(plotSize.width - this.plot.width) > 1 || Math.abs(plotSize.height - this.plot.height) > 1)
    )
      this.plot.setSize(plotSize);
  }

  /** The value at the cursor, else at the chosen moment, else the last one. */
  updateValue(index = null) {
    if (!this.plot) return;
    const mainIndex = this.styles.findIndex((style) => style.isMain) + 1;
    const trace = this.data[mainIndex];
    let shown = index;
    if (shown === null && this.group.selectedX !== null) shown = this.plot.valToIdx(this.group.selectedX);
    if (shown === null || trace[shown] === null || trace[shown] === undefined)
      shown = trace.findLastIndex((value) => value !== null && value !== undefined);
    setText(this.valueLabel, shown < 0 ? "" : `${formatNumber(trace[shown])} ${this.unitOfMeasure}`);
  }

  plotOptions(plotSize, styles) {
    this.drawnRemPx = remPx(); // letters are this large: on another screen they are drawn anew
    const font = `${(remPx() * 0.75).toFixed(1)}px system-ui, sans-serif`;
    const axis = {
      stroke: themeColour("quiet"),
      font,
      grid: { stroke: `${themeColour("line")}90`, width: 1 },
      ticks: { show: false },
    };
    const series = styles.map((style) => ({
      stroke: style.stroke ? themeColour(style.stroke) : undefined,
      width: (style.width ?? 1) * Math.max(1, remPx() / 14),
      dash: style.dash ? DASH_REM.map((d) => d * remPx()) : undefined,
      points: { show: false },
      spanGaps: style.spanGaps ?? false,
    }));
    const bandIndex = styles.findIndex((style) => style.isBand);
    return {
      ...plotSize,
      series: [{}, ...series],
      legend: { show: false },
      padding: [remPx() * 0.5, 6, 0, 0],
      bands: bandIndex < 0 ? [] : [{ series: [bandIndex + 2, bandIndex + 1], fill: themeColour("band") }],
      scales: {
        x: { time: false, range: () => this.group.range },
        y: this.logScale ? { distr: 3, range: logRange } : { range: { min: { pad: 0.08 }, max: { pad: 0.08 } } },
      },
      axes: [
        { ...axis, size: remPx() * 1.7, gap: remPx() * 0.35 },
        {
          ...axis,
          size: remPx() * 3.1,
          space: remPx() * 1.6,
          gap: 2,
          ...(this.logScale ? { filter: powersOfTen, grid: { ...axis.grid, filter: powersOfTen } } : {}),
          values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : formatNumber(tick, 3))),
        },
      ],
      cursor: {
        sync: { key: this.group.sync.key, setSeries: false },
        drag: { x: false, y: false },
        points: { show: false },
        y: false,
      },
      hooks: {
        drawClear: [(plot) => this.drawDeviations(plot)],
        draw: [(plot) => this.drawPhases(plot)],
        setCursor: [(plot) => this.updateValue(plot.cursor.idx ?? null)],
        ready: [
          (plot) =>
            plot.over.addEventListener("click", () => {
              if (plot.cursor.idx !== null && plot.cursor.idx !== undefined)
                this.group.onSelect(plot.posToVal(plot.cursor.left, "x"));
            }),
        ],
      },
    };
  }

  /** Deviations as grounds behind the traces. */
  drawDeviations(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const span of this.group.deviationSpans) {
      const from = plot.valToPos(span.from, "x", true),
        to = Math.max(from + 2, plot.valToPos(span.to, "x", true));
      ctx.fillStyle = themeColour(`${span.priority}-ground`);
      ctx.fillRect(from, bbox.top, to - from, bbox.height);
      ctx.fillStyle = themeColour(span.priority);
      ctx.fillRect(from, bbox.top, to - from, remPx() * 0.2);
      ctx.fillRect(from, bbox.top, 1.5, bbox.height);
    }
    ctx.restore();
  }

  /** Where phases begin, and the chosen moment; above them the phases' names. */
  drawPhases(plot) {
    const { ctx, bbox } = plot;
    const drawVertical = (x, colourName, width, dash) => {
      const left = plot.valToPos(x, "x", true);
      if (left < bbox.left - 1 || left > bbox.left + bbox.width) return;
      ctx.setLineDash(dash);
      ctx.lineWidth = width;
      ctx.strokeStyle = themeColour(colourName);
      ctx.beginPath();
      ctx.moveTo(left, bbox.top);
      ctx.lineTo(left, bbox.top + bbox.height);
      ctx.stroke();
    };
    ctx.save();
    for (const { x } of this.group.phases) drawVertical(x, "quiet", 1, [2, 4]);
    if (this.group.selectedX !== null) drawVertical(this.group.selectedX, "accent", 1.5, []);
    if (this.logScale) this.drawPhaseNames(plot);
    ctx.restore();
  }

  /** Of phases, where there is room; no line strikes them through. */
  drawPhaseNames(plot) {
    const { ctx, bbox } = plot;
    ctx.font = `${remPx() * 0.68}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.setLineDash([]);
    ctx.lineWidth = remPx() * 0.25;
    ctx.strokeStyle = themeColour("panel");
    ctx.fillStyle = themeColour("quiet");
    this.group.phases.forEach(({ phase, x }, k) => {
      const left = plot.valToPos(x, "x", true),
        next = this.group.phases[k + 1],
        end = next ? plot.valToPos(next.x, "x", true) : bbox.left + bbox.width;
      if (ctx.measureText(phase).width + 4 > end - left) return;
      const textAndPosition = [phase, left + 3, bbox.top + bbox.height - remPx() * 0.25];
      ctx.strokeText(...textAndPosition);
      ctx.fillText(...textAndPosition);
    });
  }
}

/** Of a logarithmic axis only the powers of ten. */
function powersOfTen(_, splits) {
  return splits.map((split) => (Number.isInteger(Math.round(Math.log10(split) * 1e6) / 1e6) ? split : null));
}

function logRange(_, low, high) {
  if (!(low > 0) || !(high > 0)) return [0.1, 10];
  return [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high * 1.2))];
}
