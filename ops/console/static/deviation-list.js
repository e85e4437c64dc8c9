// The list of open deviations: newest unacknowledged first; rows are made once and changed where they differ.

import { startAction } from "./actions.js";
import { rowCells } from "./deviation-row.js";
import { h, setText } from "./dom.js";
import { PRIORITIES, formatDuration, isUnacknowledged } from "./format.js";
import { store, unitTime } from "./store.js";

const UNCONFIRMED_MS = 8000; // an action that has changed nothing by then is said to hang

export class DeviationList {
  /** `onOpen`: called with the deviation whose details are wanted. */
  constructor(onOpen) {
    this.onOpen = onOpen;
    this.rows = new Map(); // id -> its row
    this.visibleStates = new Set(["UNACK", "RTNUN", "ACKED"]); // shelved ones are out of sight until asked for
    this.filter = "";
    this.priorityButton = h(
      "button",
      {
        "aria-pressed": "false",
        title: "Highest priority first, or newest first (p)",
        onclick: () => this.toggleSort(),
      },
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
        this.render();
      },
    });
    this.countLabel = h("span", { class: "quiet" });
    const headers = ["Priority", "State", "Unit", "Batch", "Deviation", "Age", "Who", ""];
    const table = h(
      "table",
      { class: "list" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          headers.map((header) => h("th", { scope: "col", class: `c-${header.toLowerCase() || "act"}` }, header)),
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
        this.countLabel,
        h("span", { class: "gap" }),
        this.priorityButton,
        this.search,
      ),
      h("div", { class: "scroll" }, table, this.empty),
    );
    this.body.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** Show or hide a state's rows. */
  toggle(state) {
    if (!this.visibleStates.delete(state)) this.visibleStates.add(state);
    this.render();
  }

  /** Highest priority first, or newest first again. */
  toggleSort() {
    this.priorityButton.setAttribute(
      "aria-pressed",
      String(this.priorityButton.getAttribute("aria-pressed") !== "true"),
    );
    this.render();
  }

  /** All rows, in order. */
  render() {
    const visible = [...store.deviations.values()]
      .filter((d) => this.visibleStates.has(d.state) && this.matches(d))
      .sort((a, b) => this.compareUrgency(a, b));
    const ids = new Set(visible.map((d) => d.deviation_id));
    for (const [id, row] of this.rows) {
      if (!ids.has(id)) this.removeRow(id, row);
    }
    let position = this.body.firstElementChild;
    for (const deviation of visible) {
      const row = this.ensureRow(deviation);
      if (row.element === position) position = position.nextElementSibling;
      else this.moveRow(row.element, position);
    }
    this.empty.hidden = visible.length > 0;
    setText(this.empty, store.deviations.size > 0 ? "Nothing matches; others are filtered out." : "No open deviation.");
    setText(
      this.countLabel,
      visible.length === store.deviations.size ? `${visible.length}` : `${visible.length} of ${store.deviations.size}`,
    );
    this.tick();
  }

  /** Ages go on. */
  tick() {
    for (const row of this.rows.values()) {
      setText(row.age, formatDuration((unitTime(row.deviation.unit) - Date.parse(row.deviation.raised_at)) / 1000));
      const pending = store.pendingActions.get(row.deviation.deviation_id);
      row.element.classList.toggle("waiting", Boolean(pending));
      row.element.classList.toggle("hanging", Boolean(pending) && performance.now() - pending.sentAt > UNCONFIRMED_MS);
    }
  }

  /** Put the keyboard on a row. */
  focus(row = this.body.firstElementChild) {
    row?.focus();
    row?.scrollIntoView({ block: "nearest" });
  }

  // -- inside --------------------------------------------------------------------------------------------------

  /** What still calls first, the newest of it first; where it is wished, by priority before that. */
  compareUrgency(a, b) {
    const byState =
      Number(isUnacknowledged(b)) - Number(isUnacknowledged(a)) ||
      Number(a.state === "SHLVD") - Number(b.state === "SHLVD");
    const byPriority =
      this.priorityButton.getAttribute("aria-pressed") === "true"
        ? PRIORITIES.indexOf(a.priority) - PRIORITIES.indexOf(b.priority)
        : 0;
    return (
      byState ||
      byPriority ||
      Date.parse(b.raised_at) - Date.parse(a.raised_at) ||
      a.deviation_id.localeCompare(b.deviation_id)
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

  moveRow(element, before) {
    const focused = element.contains(document.activeElement) ? document.activeElement : null;
    this.body.insertBefore(element, before);
    focused?.focus();
  }

  removeRow(id, row) {
    const next = row.element.nextElementSibling ?? row.element.previousElementSibling;
    const hadFocus = row.element.contains(document.activeElement);
    row.element.remove();
    this.rows.delete(id);
    if (hadFocus) this.focus(next ?? undefined);
  }

  ensureRow(deviation) {
    let row = this.rows.get(deviation.deviation_id);
    if (!row) {
      row = {
        element: h("tr", { tabindex: 0, "data-id": deviation.deviation_id }),
        age: h("span", {}),
        deviation: null,
      };
      row.element.addEventListener("click", (event) => {
        if (!event.target.closest("button, a")) this.onOpen(row.deviation);
      });
      this.rows.set(deviation.deviation_id, row);
    }
    if (row.deviation !== deviation) {
      row.deviation = deviation;
      const hadFocus = row.element.contains(document.activeElement) && document.activeElement !== row.element;
      row.element.className = `${deviation.priority} ${deviation.state.toLowerCase()} ${isUnacknowledged(deviation) ? "calls" : ""}`;
      row.element.replaceChildren(...rowCells(deviation, row.age));
      if (hadFocus) row.element.focus();
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
    else if (action) startAction(action, this.rows.get(row.dataset.id).deviation);
    else if (event.key === "Enter") this.onOpen(this.rows.get(row.dataset.id).deviation);
    else if (event.key === "b") row.querySelector("a[data-view]")?.click();
    else return;
    event.preventDefault();
  }
}
