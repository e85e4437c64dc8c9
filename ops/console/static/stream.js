// The stream of events; it comes back by itself, and says since when nothing has come.

import { fetchSession, goToSignIn } from "./api.js";
import { applyStatus, applyUpdate } from "./store.js";

const STALE_AFTER_MS = 6500; // three pulses and a little
let lastEventAt = performance.now(),
  lastEventTime = Date.now();
let eventSource = null;

/** Connect, and stay connected. */
export function connect() {
  eventSource?.close();
  eventSource = new EventSource("/api/live");
  const onEvent = (type, handler) =>
    eventSource.addEventListener(type, (event) => {
      lastEventAt = performance.now();
      lastEventTime = Date.now();
      handler(JSON.parse(event.data));
    });
  onEvent("all", (update) => applyUpdate(update, true));
  onEvent("change", (update) => applyUpdate(update, false));
  onEvent("pulse", applyStatus);
  onEvent("goodbye", () => {
    eventSource.close();
    goToSignIn();
  });
  eventSource.onerror = () => {
    if (eventSource.readyState === EventSource.CLOSED) setTimeout(reconnect, 1500);
  };
}

/** The browser has given up: somebody else may have to sign in, or the server is away. */
async function reconnect() {
  try {
    await fetchSession();
    connect();
  } catch {
    setTimeout(reconnect, 1500);
  }
}

/** Whether what is shown may be old: the wall clock time of the last word; null: all is well. */
export function staleSince() {
  return performance.now() - lastEventAt > STALE_AFTER_MS ? lastEventTime : null;
}

setInterval(() => {
  // a connection that hangs gives no error
  if (performance.now() - lastEventAt > 2 * STALE_AFTER_MS && eventSource?.readyState === EventSource.OPEN) connect();
}, 2000);
