// A batch's traces as charts want them: run, envelope and another batch on one x.

/** What x means: batch age in hours, or maturity where that is known. */
export function xValues(batchData, xAxis) {
  return xAxis === "maturity" && batchData.maturity ? batchData.maturity : batchData.age_h;
}

/** Several traces on one rising x: each { x, ys } keeps its own x; null elsewhere. */
export function mergeTraces(sources) {
  const indexOfX = new Map();
  for (const source of sources) for (const x of source.x) if (x !== null) indexOfX.set(x, 0);
  const xs = [...indexOfX.keys()].sort((a, b) => a - b);
  xs.forEach((x, k) => indexOfX.set(x, k));
  const data = [xs];
  for (const source of sources) {
    for (const y of source.ys) {
      const trace = new Array(xs.length).fill(undefined); // undefined: not an x of this trace; null: a gap in it
      source.x.forEach((x, k) => {
        if (x !== null) trace[indexOfX.get(x)] = y[k];
      });
      data.push(trace);
    }
  }
  return data;
}

/** Between known points by straight lines: values at other x; null outside. */
export function interpolate(targets, xs, ys) {
  const points = xs.map((x, k) => [x, ys[k]]).filter(([x, y]) => x !== null && y !== null);
  let k = 0;
  return targets.map((target) => {
    if (target === null || points.length === 0 || target < points[0][0] || target > points.at(-1)[0]) return null;
    while (k > 0 && points[k][0] > target) k -= 1;
    while (k < points.length - 2 && points[k + 1][0] < target) k += 1;
    const [x0, y0] = points[k],
      [x1, y1] = points[Math.min(k + 1, points.length - 1)];
    return x1 === x0 ? y0 : y0 + ((y1 - y0) * (target - x0)) / (x1 - x0);
  });
}

/** Where an age lies on x. */
export function ageToX(batchData, xAxis) {
  if (xAxis !== "maturity" || !batchData.maturity) return (age_h) => age_h;
  const last = batchData.maturity.findLast((m) => m !== null);
  return (age_h) =>
    interpolate([age_h], batchData.age_h, batchData.maturity)[0] ?? (age_h <= (batchData.age_h[0] ?? 0) ? 0 : last);
}

/** The phase at an age; undefined: none is known. */
export function phaseAt(batchData, age_h) {
  return batchData.phases?.findLast((entry) => entry.age_h <= age_h)?.phase;
}

/** Deviations as stretches of x, from raised to cleared or now. */
export function deviationSpans(batchData, toX) {
  const ageAt = (time) => (Date.parse(time) - Date.parse(batchData.started)) / 3.6e6;
  const endAge_h = (d) => (d.cleared_at ? ageAt(d.cleared_at) : (batchData.age_h.at(-1) ?? 0));
  const displayed = (batchData.deviations ?? []).filter((d) => d.category !== "context");
  return displayed.map((d) => ({ from: toX(ageAt(d.raised_at)), to: toX(endAge_h(d)), priority: d.priority }));
}

/** T² or SPE with its limit, and the compared batch's: data and styles of a chart. */
export function statisticTraces(name, batchData, comparedBatch, xAxis) {
  const positiveOnly = (trace) => trace.map((value) => (value > 0 ? value : null)); // the scale is logarithmic
  const xs = xValues(batchData, xAxis),
    empty = xs.map(() => null);
  const ys = batchData.plane
    ? [positiveOnly(batchData.plane[`${name}_limit`]), positiveOnly(batchData.plane[name])]
    : [empty, empty];
  const sources = [{ x: batchData.plane_age_h ?? xs, ys }];
  const styles = [
    { stroke: "bad", width: 1.2, dash: true },
    { stroke: "run", width: 1.6, isMain: true },
  ];
  if (comparedBatch?.plane && !comparedBatch.plane_age_h) {
    sources.push({ x: xValues(comparedBatch, xAxis), ys: [positiveOnly(comparedBatch.plane[name])] });
    styles.push({ stroke: "other", width: 1.3 });
  }
  return [mergeTraces(sources), styles];
}

/** A tag in its envelope, and the compared batch's: data and styles of a chart. */
export function tagTraces(name, { batchData, envelope, comparedBatch }, xAxis) {
  const sources = [],
    styles = [];
  if (envelope.tags) {
    const tagEnvelope = envelope.tags[name];
    sources.push({ x: xValues(envelope, xAxis), ys: [tagEnvelope.low, tagEnvelope.high, tagEnvelope.mean] });
    styles.push({ isBand: true }, {}, { stroke: "quiet", width: 0.8 });
  }
  if (comparedBatch) {
    sources.push({ x: xValues(comparedBatch, xAxis), ys: [comparedBatch.values[name]] });
    styles.push({ stroke: "other", width: 1.3 });
  }
  sources.push({ x: xValues(batchData, xAxis), ys: [batchData.values[name]] });
  styles.push({ stroke: "run", width: 1.6, isMain: true });
  return [mergeTraces(sources), styles];
}
