// What a person does about a deviation.

import { tell } from "./ask.js";
import { h } from "./dom.js";
import { announce } from "./said.js";
import { clock, noteSent, store } from "./store.js";
import { calls, cause, moment, span } from "./words.js";

const HOURS = [0.5, 1, 2, 4, 8, 12, 24, 72, 168, 336];
const DONE = { acknowledge: "acknowledged", shelve: "shelved", unshelve: "unshelved", comment: "comment kept" };

/** Which actions mean something for it now. */
export function possible(deviation) {
  if (!store.me?.acts) return [];
  const own = deviation.state === "SHLVD" ? ["unshelve"] : ["shelve"];
  return [...(calls(deviation) ? ["acknowledge"] : []), ...own, "comment"];
}

/** Do it, asking for what is missing first. */
export function act(action, deviation) {
  if (!store.me?.acts) return announce(`signed in as ${store.me?.role}: operators act`, true);
  if (!possible(deviation).includes(action)) return undefined;
  if (action === "shelve") return askShelving(deviation);
  if (action === "comment") return askComment(deviation);
  return send(action, deviation, {});
}

async function send(action, deviation, more) {
  noteSent(deviation, action);
  try {
    await tell("/api/actions", { action, deviation_id: deviation.deviation_id, ...more });
    announce(`${deviation.unit}: ${DONE[action]}`);
  } catch (error) {
    noteSent(deviation, null);
    announce(`${deviation.unit}: ${error.message}`, true);
  }
}

/** Ask something in the one dialog; `fields` stand between its title and its buttons. */
export function dialog(title, fields, doing, submit) {
  const box = document.getElementById("dialog");
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", { id: "dialog-title" }, title),
    ...fields,
    h(
      "div",
      { class: "buttons" },
      doing === null ? null : h("button", { class: "chief", type: "submit", value: "do" }, doing),
      h("button", { type: "button", onclick: () => box.close() }, doing === null ? "Close" : "Cancel"),
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    box.close();
    submit?.(new FormData(form));
  });
  box.replaceChildren(form);
  box.showModal();
}

function askShelving(deviation) {
  const now = clock(deviation.unit);
  const choices = HOURS.filter((hours) => hours <= store.me.longest_shelving_h).map((hours) =>
    h(
      "option",
      { value: hours, selected: hours === 2 },
      `${span(hours * 3600)}, until ${moment(now + hours * 3.6e6, now)} UTC`,
    ),
  );
  dialog(
    "Shelve",
    [
      h("p", {}, `${deviation.unit} ${deviation.batch_id ?? ""}: ${cause(deviation)}`),
      h(
        "p",
        { class: "quiet" },
        "Out of sight until then, whatever happens to it; then it calls again if it is still there.",
      ),
      h("label", {}, "For", h("select", { name: "hours" }, choices)),
      h("label", {}, "Reason", h("input", { name: "reason", required: true, maxlength: 1000, autofocus: true })),
    ],
    "Shelve",
    (given) => send("shelve", deviation, { hours: Number(given.get("hours")), reason: given.get("reason") }),
  );
}

function askComment(deviation) {
  dialog(
    "Comment",
    [
      h("p", {}, `${deviation.unit} ${deviation.batch_id ?? ""}: ${cause(deviation)}`),
      h(
        "label",
        {},
        "Comment",
        h("textarea", { name: "reason", required: true, maxlength: 1000, rows: 3, autofocus: true }),
      ),
    ],
    "Keep",
    (given) => send("comment", deviation, { reason: given.get("reason") }),
  );
}
