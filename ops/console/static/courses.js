// A batch's courses as charts want them: run, envelope and another batch on one x.

/** What x means: batch age in hours, or maturity where that is known. */
export function abscissa(told, kind) {
  return kind === "maturity" && told.maturity ? told.maturity : told.age_h;
}

/** Several courses on one rising x: each { x, ys } keeps its own places; null elsewhere. */
export function joined(parts) {
  const places = new Map();
  for (const part of parts) for (const x of part.x) if (x !== null) places.set(x, 0);
  const xs = [...places.keys()].sort((a, b) => a - b);
  xs.forEach((x, k) => places.set(x, k));
  const data = [xs];
  for (const part of parts) {
    for (const y of part.ys) {
      const course = new Array(xs.length).fill(undefined); // undefined: no place of this course; null: a gap in it
      part.x.forEach((x, k) => {
        if (x !== null) course[places.get(x)] = y[k];
      });
      data.push(course);
    }
  }
  return data;
}

/** Between known points by straight lines: a course at other places; null outside. */
export function at(places, xs, ys) {
  const known = xs.map((x, k) => [x, ys[k]]).filter(([x, y]) => x !== null && y !== null);
  let k = 0;
  return places.map((place) => {
    if (place === null || known.length === 0 || place < known[0][0] || place > known.at(-1)[0]) return null;
    while (k > 0 && known[k][0] > place) k -= 1;
    while (k < known.length - 2 && known[k + 1][0] < place) k += 1;
    const [x0, y0] = known[k],
      [x1, y1] = known[Math.min(k + 1, known.length - 1)];
    return x1 === x0 ? y0 : y0 + ((y1 - y0) * (place - x0)) / (x1 - x0);
  });
}

/** Where an age lies on x. */
export function placing(told, kind) {
  if (kind !== "maturity" || !told.maturity) return (age_h) => age_h;
  const last = told.maturity.findLast((m) => m !== null);
  return (age_h) => at([age_h], told.age_h, told.maturity)[0] ?? (age_h <= (told.age_h[0] ?? 0) ? 0 : last);
}

/** The phase at an age; undefined: none is known. */
export function phaseAt(told, age_h) {
  return told.phases?.findLast((each) => each.age_h <= age_h)?.phase;
}

/** Deviations as stretches of x, from raised to cleared or now. */
export function marks(told, place) {
  const age_h = (time) => (Date.parse(time) - Date.parse(told.started)) / 3.6e6;
  const end = (d) => (d.cleared_at ? age_h(d.cleared_at) : (told.age_h.at(-1) ?? 0));
  const shown = (told.deviations ?? []).filter((d) => d.category !== "context");
  return shown.map((d) => ({ from: place(age_h(d.raised_at)), to: place(end(d)), priority: d.priority }));
}

/** T² or SPE with its limit, and the compared batch's: data and lines of a chart. */
export function planeCourses(name, told, compared, kind) {
  const positive = (course) => course.map((value) => (value > 0 ? value : null)); // the scale is logarithmic
  const xs = abscissa(told, kind),
    none = xs.map(() => null);
  const ys = told.plane ? [positive(told.plane[`${name}_limit`]), positive(told.plane[name])] : [none, none];
  const parts = [{ x: told.plane_age_h ?? xs, ys }];
  const lines = [
    { stroke: "bad", width: 1.2, dash: true },
    { stroke: "run", width: 1.6, run: true },
  ];
  if (compared?.plane && !compared.plane_age_h) {
    parts.push({ x: abscissa(compared, kind), ys: [positive(compared.plane[name])] });
    lines.push({ stroke: "other", width: 1.3 });
  }
  return [joined(parts), lines];
}

/** A tag in its envelope, and the compared batch's: data and lines of a chart. */
export function tagCourses(name, { told, envelope, compared }, kind) {
  const parts = [],
    lines = [];
  if (envelope.tags) {
    const of = envelope.tags[name];
    parts.push({ x: abscissa(envelope, kind), ys: [of.low, of.high, of.mean] });
    lines.push({ band: true }, {}, { stroke: "quiet", width: 0.8 });
  }
  if (compared) {
    parts.push({ x: abscissa(compared, kind), ys: [compared.values[name]] });
    lines.push({ stroke: "other", width: 1.3 });
  }
  parts.push({ x: abscissa(told, kind), ys: [told.values[name]] });
  lines.push({ stroke: "run", width: 1.6, run: true });
  return [joined(parts), lines];
}
