// The list of open deviations: newest unacknowledged first; rows are made once and changed where they differ.

import { act } from "./actions.js";
import { h, say } from "./dom.js";
import { cells } from "./rows.js";
import { clock, store } from "./store.js";
import { PRIORITIES, calls, span } from "./words.js";

const UNCONFIRMED_MS = 8000; // an action that has changed nothing by then is said to hang

export class Deviations {
  /** `opened`: told of the deviation whose details are wanted. */
  constructor(opened) {
    this.opened = opened;
    this.rows = new Map(); // id -> its row
    this.shown = new Set(["UNACK", "RTNUN", "ACKED"]); // shelved ones are out of sight until asked for
    this.filter = "";
    this.order = h(
      "button",
      { "aria-pressed": "false", title: "Highest priority first, or newest first (p)", onclick: () => this.sort() },
      "by priority",
    );
    this.body = h("tbody", {});
    this.empty = h("p", { class: "empty" }, "No open deviation.");
    this.search = h("input", {
      type: "search",
      placeholder: "Filter: unit, batch, tag …  ( / )",
      "aria-label": "Filter deviations",
      oninput: () => {
        this.filter = this.search.value.toLowerCase();
        this.draw();
      },
    });
    this.many = h("span", { class: "quiet" });
    const heads = ["Priority", "State", "Unit", "Batch", "Deviation", "Age", "Who", ""];
    const table = h(
      "table",
      { class: "list" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          heads.map((head) => h("th", { scope: "col", class: `c-${head.toLowerCase() || "act"}` }, head)),
        ),
      ),
      this.body,
    );
    this.element = h(
      "section",
      { class: "deviations", "aria-label": "Open deviations" },
      h(
        "div",
        { class: "heading" },
        h("h2", {}, "Open deviations"),
        this.many,
        h("span", { class: "gap" }),
        this.order,
        this.search,
      ),
      h("div", { class: "scroll" }, table, this.empty),
    );
    this.body.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** Show or hide a state's rows. */
  toggle(state) {
    if (!this.shown.delete(state)) this.shown.add(state);
    this.draw();
  }

  /** Highest priority first, or newest first again. */
  sort() {
    this.order.setAttribute("aria-pressed", String(this.order.getAttribute("aria-pressed") !== "true"));
    this.draw();
  }

  /** All rows, in order. */
  draw() {
    const wanted = [...store.deviations.values()]
      .filter((d) => this.shown.has(d.state) && this.matches(d))
      .sort((one, other) => this.urgency(one, other));
    const ids = new Set(wanted.map((d) => d.deviation_id));
    for (const [id, row] of this.rows) {
      if (!ids.has(id)) this.drop(id, row);
    }
    let place = this.body.firstElementChild;
    for (const deviation of wanted) {
      const row = this.row(deviation);
      if (row.element === place) place = place.nextElementSibling;
      else this.move(row.element, place);
    }
    this.empty.hidden = wanted.length > 0;
    say(this.empty, store.deviations.size > 0 ? "Nothing matches; others are filtered out." : "No open deviation.");
    say(
      this.many,
      wanted.length === store.deviations.size ? `${wanted.length}` : `${wanted.length} of ${store.deviations.size}`,
    );
    this.tick();
  }

  /** Ages go on. */
  tick() {
    for (const row of this.rows.values()) {
      say(row.age, span((clock(row.deviation.unit) - Date.parse(row.deviation.raised_at)) / 1000));
      const sent = store.sent.get(row.deviation.deviation_id);
      row.element.classList.toggle("waiting", Boolean(sent));
      row.element.classList.toggle("hanging", Boolean(sent) && performance.now() - sent.at > UNCONFIRMED_MS);
    }
  }

  /** Put the keyboard on a row. */
  focus(row = this.body.firstElementChild) {
    row?.focus();
    row?.scrollIntoView({ block: "nearest" });
  }

  // -- inside --------------------------------------------------------------------------------------------------

  /** What still calls first, the newest of it first; where it is wished, by priority before that. */
  urgency(one, other) {
    const calling =
      Number(calls(other)) - Number(calls(one)) || Number(one.state === "SHLVD") - Number(other.state === "SHLVD");
    const wished =
      this.order.getAttribute("aria-pressed") === "true"
        ? PRIORITIES.indexOf(one.priority) - PRIORITIES.indexOf(other.priority)
        : 0;
    return (
      calling ||
      wished ||
      Date.parse(other.raised_at) - Date.parse(one.raised_at) ||
      one.deviation_id.localeCompare(other.deviation_id)
    );
  }

  matches(deviation) {
    return (
      this.filter === "" ||
      `${deviation.unit} ${deviation.batch_id} ${deviation.message} ${deviation.cause}`
        .toLowerCase()
        .includes(this.filter)
    );
  }

  move(element, before) {
    const held = element.contains(document.activeElement) ? document.activeElement : null;
    this.body.insertBefore(element, before);
    held?.focus();
  }

  drop(id, row) {
    const next = row.element.nextElementSibling ?? row.element.previousElementSibling;
    const held = row.element.contains(document.activeElement);
    row.element.remove();
    this.rows.delete(id);
    if (held) this.focus(next ?? undefined);
  }

  row(deviation) {
    let row = this.rows.get(deviation.deviation_id);
    if (!row) {
      row = {
        element: h("tr", { tabindex: 0, "data-id": deviation.deviation_id }),
        age: h("span", {}),
        deviation: null,
      };
      row.element.addEventListener("click", (event) => {
        if (!event.target.closest("button, a")) this.opened(row.deviation);
      });
      this.rows.set(deviation.deviation_id, row);
    }
    if (row.deviation !== deviation) {
      row.deviation = deviation;
      const held = row.element.contains(document.activeElement) && document.activeElement !== row.element;
      row.element.className = `${deviation.priority} ${deviation.state.toLowerCase()} ${calls(deviation) ? "calls" : ""}`;
      row.element.replaceChildren(...cells(deviation, row.age));
      if (held) row.element.focus();
    }
    return row;
  }

  onKey(event) {
    const row = event.target.closest("tr");
    if (event.target !== row) return;
    const step = {
      ArrowDown: "nextElementSibling",
      j: "nextElementSibling",
      ArrowUp: "previousElementSibling",
      k: "previousElementSibling",
    }[event.key];
    const action = { a: "acknowledge", s: "shelve", u: "unshelve", c: "comment" }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (step) this.focus(row[step] ?? row);
    else if (action) act(action, this.rows.get(row.dataset.id).deviation);
    else if (event.key === "Enter") this.opened(this.rows.get(row.dataset.id).deviation);
    else if (event.key === "b") row.querySelector("a[data-view]")?.click();
    else return;
    event.preventDefault();
  }
}
