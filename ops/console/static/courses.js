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
      part.x.forEach((x, k) => { if (x !== null) course[places.get(x)] = y[k]; });
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
    const [x0, y0] = known[k], [x1, y1] = known[Math.min(k + 1, known.length - 1)];
    return x1 === x0 ? y0 : y0 + ((y1 - y0) * (place - x0)) / (x1 - x0);
  });
}
