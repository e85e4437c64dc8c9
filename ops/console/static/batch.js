// One batch: every tag against the envelope of released batches, T² and SPE, and who was responsible when.

import { ask } from "./ask.js";
import { Chart, Scene } from "./charts.js";
import { abscissa, at, marks, phaseAt, placing, planeCourses, tagCourses } from "./courses.js";
import { h, say } from "./dom.js";
import { deviations, moments } from "./moments.js";
import { announce } from "./said.js";
import { store } from "./store.js";
import { legend, named, standing, warning } from "./standing.js";
import { spoken } from "./words.js";

const FRESH_MS = 1000; // between two looks at a batch that runs

export class Batch {
  constructor(query) {
    this.unit = query.get("unit") ?? "";
    this.batch = query.get("batch") ?? "";
    this.kind = query.get("x");
    this.other = query.get("with");
    this.moment = query.has("at") ? Number(query.get("at")) : null; // batch age, h
    this.title = `PATrol ${this.unit} ${this.batch}`;
    this.scene = new Scene((x) => this.choose(this.ageAt(x)));
    this.asked = 0;
    this.build();
    addEventListener("patrol-theme", (this.repaint = () => this.charts?.forEach((chart) => chart.paint())));
  }

  // -- the page's own ------------------------------------------------------------------------------------------

  draw() {
    this.fetch();
  }

  changed(change) {
    if (
      change.whole ||
      change.units.has(this.unit) ||
      [...change.deviations].some((id) => id.startsWith(`${this.unit}/`))
    )
      this.stale = true;
  }

  tick() {
    if (this.stale && performance.now() - this.asked > FRESH_MS * 0.8) this.fetch();
  }

  leave() {
    removeEventListener("patrol-theme", this.repaint);
    this.charts?.forEach((chart) => chart.leave());
  }

  key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key in steps && this.told?.age_h.length) this.step(steps[event.key] * (event.shiftKey ? 10 : 1));
    else if (event.key === "x") this.align(this.kind === "maturity" ? "age" : "maturity");
    else if (event.key === "Escape" && this.moment !== null) this.choose(null);
    else return false;
    return true;
  }

  // -- inside --------------------------------------------------------------------------------------------------

  build() {
    this.heading = h("h1", {}, `${this.unit} ${this.batch}`);
    this.standing = h("span", { class: "quiet" });
    this.warning = h("span", { class: "warn" });
    const choice = (label, chosen, ...options) =>
      h("select", { "aria-label": label, onchange: (event) => chosen(event.target.value) }, ...options);
    const age = h("option", { value: "age" }, "by batch age (h)");
    const maturity = h("option", { value: "maturity" }, "by maturity");
    this.align_ = choice("What runs along", (kind) => this.align(kind), age, maturity);
    const none = h("option", { value: "" }, "compare with …");
    this.with_ = choice("Compare with", (name) => this.compare(name), none);
    this.grid = h("div", { class: "charts", tabindex: 0, role: "region", "aria-label": "Charts" });
    this.side = h("aside", { class: "side", "aria-label": "At the chosen moment" });
    this.legend = legend();
    const gap = h("span", { class: "gap" });
    const copy = h("button", { onclick: () => this.copy() }, "Copy link");
    this.element = h(
      "div",
      { class: "batchpage" },
      h("div", { class: "heading" }, this.heading, this.standing, this.warning, gap, this.align_, this.with_, copy),
      h("div", { class: "columns" }, this.grid, this.side),
    );
  }

  async fetch() {
    this.asked = performance.now();
    this.stale = false;
    try {
      const told = await ask("/api/batch", { unit: this.unit, batch: this.batch });
      if (this.envelope === undefined || (told.reference ?? null) !== this.reference) {
        this.envelope = await ask("/api/envelope"); // the first time, and when another reference has been taken up
        this.reference = told.reference ?? null;
      }
      if (this.with_.options.length === 1) await this.choices();
      if (this.other && !this.compared) this.compared = await this.earlier(this.other);
      const first = this.told === undefined;
      this.told = told;
      this.kind ??= "age";
      this.show(first);
    } catch (error) {
      if (this.told === undefined)
        this.grid.replaceChildren(
          h("p", { class: "empty" }, `${this.unit} ${this.batch || "has had no batch here"}: ${error.message}`),
        );
    }
  }

  async choices() {
    const all = await ask("/api/batches");
    const others = all.filter((each) => each.batch !== this.batch);
    const value = (each) => `${each.unit}|${each.batch ?? ""}`;
    const options = others.map((each) => h("option", { value: value(each) }, named(each)));
    this.with_.append(...options);
    if (this.other) this.with_.value = this.other;
  }

  async earlier(name) {
    const [unit, ...parts] = name.split("|");
    try {
      return await ask("/api/batch", { unit, batch: parts.join("|") });
    } catch (error) {
      announce(error.message, true);
      return null;
    }
  }

  show(first) {
    this.head();
    this.scenery();
    if (!this.charts) {
      this.plane = [
        new Chart("T²", "", this.scene, { log: true, kind: "plane" }),
        new Chart("SPE", "", this.scene, { log: true, kind: "plane" }),
      ];
      this.tags = store.me.tags.map((tag) => new Chart(spoken(tag.name), tag.unit_of_measure, this.scene));
      this.charts = [...this.plane, ...this.tags];
      this.grid.replaceChildren(...this.charts.map((chart) => chart.element));
    }
    this.courses();
    this.align_.value = this.kind;
    if (first || this.moment === null) this.responsible();
  }

  head() {
    const { told, envelope } = this;
    const unit = store.units.get(this.unit);
    say(this.heading, `${this.unit || told.unit} ${told.batch ?? ""}`);
    say(this.standing, standing(told, unit));
    say(this.warning, warning(told, unit, envelope));
  }

  /** Phases, deviations and the chosen moment on this x. */
  scenery() {
    const { told, scene, kind, moment } = this,
      place = placing(told, kind);
    scene.phases = (told.phases ?? []).map(({ phase, age_h }) => ({ phase, x: place(age_h) }));
    scene.marks = marks(told, place);
    scene.at = moment === null ? null : place(moment);
    const last = (course) => course?.findLast((x) => x !== null) ?? 0;
    const usual = this.envelope.maturity ? last(abscissa(this.envelope, kind)) : 0;
    scene.range = [0, Math.max(usual, last(abscissa(told, kind)), 1e-6)];
  }

  courses() {
    const { told, envelope, compared, kind } = this;
    this.plane[0].show(...planeCourses("t2", told, compared, kind));
    this.plane[1].show(...planeCourses("spe", told, compared, kind));
    store.me.tags.forEach(({ name }, k) => this.tags[k].show(...tagCourses(name, { told, envelope, compared }, kind)));
  }

  /** The age at a place on x. */
  ageAt(x) {
    return this.kind === "maturity" && this.told.maturity ? at([x], this.told.maturity, this.told.age_h)[0] : x;
  }

  choose(age_h) {
    this.moment = age_h === null ? null : Math.min(Math.max(age_h, 0), this.told.age_h.at(-1) ?? 0);
    this.address();
    this.scenery();
    this.charts?.forEach((chart) => chart.redraw());
    this.responsible();
  }

  step(by) {
    const ages = this.told.age_h;
    const now =
      this.moment === null
        ? ages.length - 1
        : ages.reduce(
            (best, age, k) => (Math.abs(age - this.moment) < Math.abs(ages[best] - this.moment) ? k : best),
            0,
          );
    this.choose(ages[Math.min(Math.max(now + by, 0), ages.length - 1)]);
  }

  align(kind) {
    this.kind = kind;
    this.address();
    if (this.told) this.show(false);
  }

  async compare(name) {
    this.other = name || null;
    this.compared = this.other ? await this.earlier(this.other) : null;
    this.address();
    this.show(false);
  }

  /** The link that shows the same. */
  address() {
    const query = new URLSearchParams({ unit: this.unit, batch: this.told?.batch ?? this.batch });
    if (this.kind === "maturity") query.set("x", "maturity");
    if (this.moment !== null) query.set("at", this.moment.toFixed(3));
    if (this.other) query.set("with", this.other);
    history.replaceState(null, "", `/batch?${query}`);
  }

  async copy() {
    this.address();
    try {
      await navigator.clipboard.writeText(location.href);
      announce("link copied: it shows this batch, moment and comparison");
    } catch {
      announce("the browser does not let this page copy; the address bar has the link", true);
    }
  }

  /** Who is responsible at the chosen moment, or now. */
  async responsible() {
    const age_h = this.moment ?? this.told.age_h.at(-1) ?? 0;
    const wanted = (this.wanted = Symbol("moment"));
    let found = { contributors: [], from: "nothing" };
    if (!this.told.learnt) {
      found = await ask("/api/contributions", { unit: this.unit, batch: this.batch, age_h }).catch(() => found);
    }
    if (wanted !== this.wanted) return;
    const ranked = this.moment === null ? [] : found.contributors.slice(0, 3).map((each) => each.tag);
    store.me.tags.forEach(({ name }, k) => this.tags[k].element.classList.toggle("ranked", ranked.includes(name)));
    const title = [this.moment === null ? "Now" : `At ${age_h.toFixed(2)} h`, phaseAt(this.told, age_h)];
    this.side.replaceChildren(
      this.legend,
      ...moments(title.filter(Boolean).join(", "), found),
      ...deviations(this.told, (age) => this.choose(age)),
    );
  }
}
