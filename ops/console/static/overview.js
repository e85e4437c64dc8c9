// The first screen: the plant, the open deviations, and the one looked at.

import { DeviationDetail } from "./deviation-detail.js";
import { DeviationList } from "./deviation-list.js";
import { h } from "./dom.js";
import { UnitTiles } from "./tiles.js";

export class OverviewScreen {
  constructor() {
    this.tiles = new UnitTiles();
    this.list = new DeviationList((deviation) => this.openDetail(deviation));
    this.detail = new DeviationDetail(() => this.onDetailClosed());
    this.element = h(
      "div",
      { class: "overview" },
      this.tiles.element,
      h("div", { class: "below" }, this.list.element, this.detail.element),
    );
    this.title = "PATrol";
  }

  openDetail(deviation) {
    this.lastOpenedId = deviation.deviation_id;
    this.element.classList.add("opened");
    this.detail.open(deviation);
  }

  onDetailClosed() {
    this.element.classList.remove("opened");
    this.list.focus(this.list.rows.get(this.lastOpenedId)?.element);
  }

  render() {
    this.tiles.render();
    this.list.render();
  }

  /** Something has changed. */
  onStoreChange(change) {
    if (change.isSnapshot) {
      this.render();
    } else {
      if (change.units.size > 0) this.tiles.render(change.units);
      if (change.deviations.size > 0) this.list.render();
    }
    if (this.detail.id !== null && change.deviations.has(this.detail.id)) this.detail.refresh();
  }

  tick() {
    this.tiles.tick();
    this.list.tick();
  }

  /** Keys that mean something here; whether one did. */
  handleKey(event) {
    if (event.key === "Escape" && this.detail.id !== null) this.detail.close();
    else if (event.key === "/") this.list.search.focus();
    else if (event.key === "p") this.list.toggleSort();
    else if (event.key === "j" || event.key === "ArrowDown") this.list.focus();
    else return false;
    return true;
  }

  dispose() {}
}
