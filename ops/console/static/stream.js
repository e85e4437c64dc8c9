// The stream of events; it comes back by itself, and says since when nothing has come.

import { leave, whoAmI } from "./ask.js";
import { take, takePulse } from "./store.js";

const SILENT_MS = 6500; // three pulses and a little
let heard = performance.now(),
  since = Date.now();
let source = null;

/** Connect, and stay connected. */
export function connect() {
  source?.close();
  source = new EventSource("/api/live");
  const on = (kind, then) =>
    source.addEventListener(kind, (event) => {
      heard = performance.now();
      since = Date.now();
      then(JSON.parse(event.data));
    });
  on("all", (said) => take(said, true));
  on("change", (said) => take(said, false));
  on("pulse", takePulse);
  on("goodbye", () => {
    source.close();
    leave();
  });
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(again, 1500);
  };
}

/** The browser has given up: somebody else may have to sign in, or the server is away. */
async function again() {
  try {
    await whoAmI();
    connect();
  } catch {
    setTimeout(again, 1500);
  }
}

/** Whether what is shown may be old: the wall clock time of the last word; null: all is well. */
export function silentSince() {
  return performance.now() - heard > SILENT_MS ? since : null;
}

setInterval(() => {
  // a connection that hangs gives no error
  if (performance.now() - heard > 2 * SILENT_MS && source?.readyState === EventSource.OPEN) connect();
}, 2000);
