// All that is known here: told by the stream, looked at by the screens.

export const store = {
  me: null,
  deviations: new Map(), // id -> newest revision, open ones only
  units: new Map(), // name -> how it stands
  pulse: { flood: false, annunciations: 0, unjudged: [], live: false, failed: null, now: null },
  sent: new Map(), // deviation id -> what was asked for and is not confirmed yet
};

const received = new Map(); // unit -> performance.now() at which its clock was told
let pulsed = 0;
const listeners = new Set();

/** Be told of what changes: { units: Set, deviations: Set, pulse: bool }. */
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function announce(change) {
  for (const listener of [...listeners]) listener({ units: new Set(), deviations: new Set(), pulse: false, ...change });
}

/** All there is (`whole`), or what has changed. */
export function take(said, whole) {
  if (whole) {
    store.deviations.clear();
    store.units.clear();
  }
  for (const unit of said.units) {
    store.units.set(unit.unit, unit);
    received.set(unit.unit, performance.now());
  }
  for (const deviation of said.deviations) {
    if (deviation.state === "NORM") store.deviations.delete(deviation.deviation_id);
    else store.deviations.set(deviation.deviation_id, deviation);
    const sent = store.sent.get(deviation.deviation_id);
    if (sent && deviation.revision > sent.revision) store.sent.delete(deviation.deviation_id);
  }
  announce({
    units: new Set(said.units.map((u) => u.unit)),
    deviations: new Set(said.deviations.map((d) => d.deviation_id)),
    whole,
  });
}

/** How things stand by themselves. */
export function takePulse(pulse) {
  store.pulse = pulse;
  pulsed = performance.now();
  announce({ pulse: true });
}

/** Something was asked for, or the asking failed. */
export function noteSent(deviation, what) {
  if (what === null) store.sent.delete(deviation.deviation_id);
  else store.sent.set(deviation.deviation_id, { what, revision: deviation.revision, at: performance.now() });
  announce({ deviations: new Set([deviation.deviation_id]) });
}

/** A unit's time now, ms since 1970: live it runs on with the wall clock. */
export function clock(unit) {
  const known = store.units.get(unit);
  if (!known) return Date.now();
  return Date.parse(known.clock) + performance.now() - received.get(unit);
}

/** The plant's time now, ms since 1970. */
export function plantClock() {
  return store.pulse.now === null ? Date.now() : Date.parse(store.pulse.now) + performance.now() - pulsed;
}
