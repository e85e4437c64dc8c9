// All that is known here: kept up to date by the stream, read by the screens.

export const store = {
  session: null,
  deviations: new Map(), // id -> newest revision, open ones only
  units: new Map(), // name -> how it stands
  systemStatus: { flood: false, annunciations: 0, unjudged: [], live: false, failed: null, now: null },
  pendingActions: new Map(), // deviation id -> what was asked for and is not confirmed yet
};

const clockReceivedAt = new Map(); // unit -> performance.now() at which its clock was told
let statusReceivedAt = 0;
const listeners = new Set();

/** Be told of what changes: { units: Set, deviations: Set, systemStatus: bool }. */
export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function notifyListeners(change) {
  for (const listener of [...listeners])
    listener({ units: new Set(), deviations: new Set(), systemStatus: false, ...change });
}

/** All there is (`isSnapshot`), or what has changed. */
export function applyUpdate(update, isSnapshot) {
  if (isSnapshot) {
    store.deviations.clear();
    store.units.clear();
  }
  for (const unit of update.units) {
    store.units.set(unit.unit, unit);
    clockReceivedAt.set(unit.unit, performance.now());
  }
  for (const deviation of update.deviations) {
    if (deviation.state === "NORM") store.deviations.delete(deviation.deviation_id);
    else store.deviations.set(deviation.deviation_id, deviation);
    const pending = store.pendingActions.get(deviation.deviation_id);
    if (pending && deviation.revision > pending.revision) store.pendingActions.delete(deviation.deviation_id);
  }
  notifyListeners({
    units: new Set(update.units.map((u) => u.unit)),
    deviations: new Set(update.deviations.map((d) => d.deviation_id)),
    isSnapshot,
  });
}

/** How things stand by themselves. */
export function applyStatus(systemStatus) {
  store.systemStatus = systemStatus;
  statusReceivedAt = performance.now();
  notifyListeners({ systemStatus: true });
}

/** Something was asked for, or the asking failed. */
export function setPendingAction(deviation, action) {
  if (action === null) store.pendingActions.delete(deviation.deviation_id);
  else
    store.pendingActions.set(deviation.deviation_id, {
      action,
      revision: deviation.revision,
      sentAt: performance.now(),
    });
  notifyListeners({ deviations: new Set([deviation.deviation_id]) });
}

/** A unit's time now, ms since 1970: live it runs on with the wall clock. */
export function unitTime(unit) {
  const unitState = store.units.get(unit);
  if (!unitState) return Date.now();
  return Date.parse(unitState.clock) + performance.now() - clockReceivedAt.get(unit);
}

/** The plant's time now, ms since 1970. */
export function plantTime() {
  return store.systemStatus.now === null
    ? Date.now()
    : Date.parse(store.systemStatus.now) + performance.now() - statusReceivedAt;
}
