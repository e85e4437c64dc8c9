// Formatters and labels: how things are said.

export const PRIORITIES = ["high", "medium", "low"];
export const STATES = {
  UNACK: "Unacknowledged",
  RTNUN: "Returned, unacknowledged",
  ACKED: "Acknowledged",
  SHLVD: "Shelved",
};
export const SHORT_STATES = { UNACK: "Unack", RTNUN: "Returned", ACKED: "Acked", SHLVD: "Shelved" };

/** A tag's name as said. */
export const tagLabel = (tag) => (tag === "ph" ? "pH" : tag.replaceAll("_", " "));

/** Whether somebody still has to acknowledge it. */
export const isUnacknowledged = (deviation) => deviation.state === "UNACK" || deviation.state === "RTNUN";

/** How long: 45 s, 12 min, 3.2 h, 4 d. */
export function formatDuration(seconds) {
  const s = Math.max(0, seconds);
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 48 * 3600) return `${(s / 3600).toFixed(1)} h`;
  return `${Math.floor(s / 86400)} d`;
}

/** UTC clock time; with the day where it is another than the one of `now`. */
export function formatTime(iso, now = null) {
  const utc = new Date(iso).toISOString();
  const day = now === null || new Date(now).toISOString().slice(0, 10) !== utc.slice(0, 10);
  return `${day ? `${utc.slice(5, 10)} ` : ""}${utc.slice(11, 16)}`;
}

/** A number with so many digits. */
export function formatNumber(value, digits = 4) {
  if (value === null || value === undefined) return "–";
  const magnitude = Math.abs(value);
  return magnitude !== 0 && (magnitude >= 1e6 || magnitude < 1e-3)
    ? value.toExponential(2)
    : String(+value.toPrecision(digits));
}

/** What is wrong, without the place and the priority, which stand in columns of their own. */
export function shortMessage(deviation) {
  const prefix = deviation.batch_id ? `${deviation.unit} ${deviation.batch_id}: ` : `${deviation.unit}: `;
  let text = deviation.message.startsWith(prefix) ? deviation.message.slice(prefix.length) : deviation.message;
  text = text
    .replace(/ \((process|sensor|context), [^()]*\)$/, "")
    .replace(/ since \d\d:\d\d UTC( \(batch age [^)]*\))?$/, "");
  return text.startsWith("ph ") ? `pH ${text.slice(3)}` : text.charAt(0).toUpperCase() + text.slice(1);
}

const STATE_CHANGE_LABELS = {
  UNACK: "unshelved",
  ACKED: "acknowledged",
  NORM: "acknowledged",
  RTNUN: "commented",
  SHLVD: "shelved",
};

/** What somebody did, from a revision and the one before it. */
export function revisionLabel(revision, previous) {
  if (!previous) return "raised";
  if (revision.by) {
    if (previous.state === revision.state) return "commented";
    if (previous.state === "SHLVD") return revision.by === "shelving ended" ? "shelving ended" : "unshelved";
    return STATE_CHANGE_LABELS[revision.state] ?? "acted";
  }
  if (previous.state === revision.state) return "described anew";
  return {
    UNACK: previous.state === "RTNUN" ? "back again" : "raised again",
    RTNUN: "returned to normal",
    NORM: "returned to normal",
    ACKED: "acknowledged",
    SHLVD: "shelved",
  }[revision.state];
}
