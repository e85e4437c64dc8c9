// What a person does about a deviation.

import { postJson } from "./api.js";
import { h } from "./dom.js";
import { formatDuration, formatTime, isUnacknowledged, shortMessage } from "./format.js";
import { notify } from "./notification.js";
import { setPendingAction, store, unitTime } from "./store.js";

const SHELVE_HOURS = [0.5, 1, 2, 4, 8, 12, 24, 72, 168, 336];
const DONE_LABELS = { acknowledge: "acknowledged", shelve: "shelved", unshelve: "unshelved", comment: "comment kept" };

/** Which actions mean something for it now. */
export function allowedActions(deviation) {
  if (!store.session?.acts) return [];
  const shelving = deviation.state === "SHLVD" ? ["unshelve"] : ["shelve"];
  return [...(isUnacknowledged(deviation) ? ["acknowledge"] : []), ...shelving, "comment"];
}

/** Do it, asking for what is missing first. */
export function startAction(action, deviation) {
  if (!store.session?.acts) return notify(`signed in as ${store.session?.role}: operators act`, true);
  if (!allowedActions(deviation).includes(action)) return undefined;
  if (action === "shelve") return openShelveDialog(deviation);
  if (action === "comment") return openCommentDialog(deviation);
  return sendAction(action, deviation, {});
}

async function sendAction(action, deviation, parameters) {
  setPendingAction(deviation, action);
  try {
    await postJson("/api/actions", { action, deviation_id: deviation.deviation_id, ...parameters });
    notify(`${deviation.unit}: ${DONE_LABELS[action]}`);
  } catch (error) {
    setPendingAction(deviation, null);
    notify(`${deviation.unit}: ${error.message}`, true);
  }
}

/** Ask something in the one dialog; `fields` stand between its title and its buttons. */
export function openDialog(title, fields, submitLabel, onSubmit) {
  const dialog = document.getElementById("dialog");
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", { id: "dialog-title" }, title),
    ...fields,
    h(
      "div",
      { class: "buttons" },
      submitLabel === null ? null : h("button", { class: "chief", type: "submit", value: "do" }, submitLabel),
      h("button", { type: "button", onclick: () => dialog.close() }, submitLabel === null ? "Close" : "Cancel"),
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.close();
    onSubmit?.(new FormData(form));
  });
  dialog.replaceChildren(form);
  dialog.showModal();
}

function openShelveDialog(deviation) {
  const now = unitTime(deviation.unit);
  const options = SHELVE_HOURS.filter((hours) => hours <= store.session.longest_shelving_h).map((hours) =>
    h(
      "option",
      { value: hours, selected: hours === 2 },
      `${formatDuration(hours * 3600)}, until ${formatTime(now + hours * 3.6e6, now)} UTC`,
    ),
  );
  openDialog(
    "Shelve",
    [
      h("p", {}, `${deviation.unit} ${deviation.batch_id ?? ""}: ${shortMessage(deviation)}`),
      h(
        "p",
        { class: "quiet" },
        "Out of sight until then, whatever happens to it; then it calls again if it is still there.",
      ),
      h("label", {}, "For", h("select", { name: "hours" }, options)),
      h("label", {}, "Reason", h("input", { name: "reason", required: true, maxlength: 1000, autofocus: true })),
    ],
    "Shelve",
    (formData) =>
      sendAction("shelve", deviation, { hours: Number(formData.get("hours")), reason: formData.get("reason") }),
  );
}

function openCommentDialog(deviation) {
  openDialog(
    "Comment",
    [
      h("p", {}, `${deviation.unit} ${deviation.batch_id ?? ""}: ${shortMessage(deviation)}`),
      h(
        "label",
        {},
        "Comment",
        h("textarea", { name: "reason", required: true, maxlength: 1000, rows: 3, autofocus: true }),
      ),
    ],
    "Keep",
    (formData) => sendAction("comment", deviation, { reason: formData.get("reason") }),
  );
}
