// The first screen: the plant, the open deviations, and the one looked at.

import { Detail } from "./detail.js";
import { Deviations } from "./deviations.js";
import { h } from "./dom.js";
import { Tiles } from "./tiles.js";

export class Overview {
  constructor() {
    this.tiles = new Tiles();
    this.list = new Deviations((deviation) => this.open(deviation));
    this.detail = new Detail(() => this.closed());
    this.element = h(
      "div",
      { class: "overview" },
      this.tiles.element,
      h("div", { class: "below" }, this.list.element, this.detail.element),
    );
    this.title = "PATrol";
  }

  open(deviation) {
    this.last = deviation.deviation_id;
    this.element.classList.add("opened");
    this.detail.open(deviation);
  }

  closed() {
    this.element.classList.remove("opened");
    this.list.focus(this.list.rows.get(this.last)?.element);
  }

  draw() {
    this.tiles.draw();
    this.list.draw();
  }

  /** Something has changed. */
  changed(change) {
    if (change.whole) {
      this.draw();
    } else {
      if (change.units.size > 0) this.tiles.draw(change.units);
      if (change.deviations.size > 0) this.list.draw();
    }
    if (this.detail.id !== null && change.deviations.has(this.detail.id)) this.detail.refresh();
  }

  tick() {
    this.tiles.tick();
    this.list.tick();
  }

  /** Keys that mean something here; whether one did. */
  key(event) {
    if (event.key === "Escape" && this.detail.id !== null) this.detail.close();
    else if (event.key === "/") this.list.search.focus();
    else if (event.key === "p") this.list.sort();
    else if (event.key === "j" || event.key === "ArrowDown") this.list.focus();
    else return false;
    return true;
  }

  leave() {}
}
