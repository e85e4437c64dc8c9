// The page: its bar, its banners, and which screen is shown.

import { dialog } from "./actions.js";
import { leave, tell, whoAmI } from "./ask.js";
import { h, say } from "./dom.js";
import { Overview } from "./overview.js";
import { announce } from "./said.js";
import { listen, plantClock, store } from "./store.js";
import { connect, silentSince } from "./stream.js";
import { PRIORITIES, STATES, moment } from "./words.js";

const at = (id) => document.getElementById(id);
const overview = new Overview();
let screen = null,
  chosen = 0;

/** Show the screen of the address. */
async function show() {
  const turn = ++chosen,
    wanted = new URL(location.href);
  const next = await screenOf(wanted);
  if (turn !== chosen) return;
  screen?.leave();
  screen = next;
  at("content").replaceChildren(screen.element);
  document.title = screen.title;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  screen.draw();
  counts();
}

async function screenOf(wanted) {
  if (wanted.pathname === "/batch") return new (await import("./batch.js")).Batch(wanted.searchParams);
  if (wanted.pathname === "/alarms") return new (await import("./alarms.js")).Alarms(wanted.searchParams);
  return overview;
}

function visit(href) {
  history.pushState(null, "", href);
  show();
}

// -- the bar ---------------------------------------------------------------------------------------------------

function counts() {
  const own = (state) => [...store.deviations.values()].filter((d) => d.state === state);
  const number = (state) => own(state).length;
  const worst = (state) => PRIORITIES.find((priority) => own(state).some((d) => d.priority === priority)) ?? "none";
  const key = Object.keys(STATES)
    .map((state) => `${state}${number(state)}${worst(state)}${overview.list.shown.has(state)}`)
    .join();
  if (counts.key === key) return;
  counts.key = key;
  at("counts").replaceChildren(
    ...Object.keys(STATES).map((state) =>
      h(
        "button",
        {
          class: `count ${state.toLowerCase()} ${number(state) > 0 ? "some" : ""}`,
          "data-worst": worst(state),
          "aria-pressed": String(overview.list.shown.has(state)),
          title: `${STATES[state]}: show or hide`,
          onclick: () => {
            overview.list.toggle(state);
            counts();
            if (screen !== overview) visit("/");
          },
        },
        h("b", {}, String(number(state))),
        ` ${STATES[state].split(",")[0]}`,
      ),
    ),
  );
}

function banners() {
  const said = [],
    silent = silentSince(),
    pulse = store.pulse;
  if (silent !== null)
    said.push([
      "stale",
      `STALE: nothing has been heard from the console since ${new Date(silent).toLocaleTimeString()}. What is shown is old. Reconnecting …`,
    ]);
  else if (pulse.failed) said.push(["stale", `STALE: the console reads no more: ${pulse.failed}`]);
  else if (!pulse.live && pulse.now !== null)
    said.push(["stale", "STALE: Kafka does not answer, or is still being caught up with. What is shown may be old."]);
  if (pulse.unjudged.length > 0)
    said.push([
      "unjudged",
      `NOT JUDGED: scans come but PATrol says nothing of ${pulse.unjudged.join(", ")}. Is \`patrol run\` up?`,
    ]);
  if (pulse.flood)
    said.push([
      "flood",
      `ALARM FLOOD: ${pulse.annunciations} deviations annunciated in the last 10 minutes. Key p puts the highest priority first.`,
    ]);
  const key = said.join();
  if (banners.key === key) return;
  banners.key = key;
  at("banners").replaceChildren(...said.map(([kind, words]) => h("div", { class: `banner ${kind}` }, words)));
  document.body.classList.toggle("is-stale", said[0]?.[0] === "stale");
}

function tick() {
  banners();
  say(at("clock"), `${moment(plantClock())} UTC`);
  const stale = document.body.classList.contains("is-stale");
  say(at("link"), stale ? "stale" : store.pulse.now === null ? "connecting" : "live");
  at("link").className = `link ${stale ? "bad" : "good"}`;
  screen?.tick();
}

// -- keys ------------------------------------------------------------------------------------------------------

const KEYS = [
  ["j k ↓ ↑", "next, previous deviation"],
  ["Enter", "details"],
  ["a", "acknowledge"],
  ["s", "shelve"],
  ["u", "unshelve"],
  ["c", "comment"],
  ["b", "open its batch"],
  ["/", "filter"],
  ["p", "highest priority first, or newest first"],
  ["← →", "batch page: move the moment by one scan"],
  ["x", "batch page: age or maturity"],
  ["o", "overview"],
  ["m", "the alarm system's figures"],
  ["t", "light or dark"],
  ["Esc", "close"],
  ["?", "these keys"],
];

function help() {
  dialog(
    "Keys",
    [
      h(
        "dl",
        { class: "keys" },
        KEYS.flatMap(([key, words]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, words)]),
      ),
    ],
    null,
  );
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, dialog");
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (typing) {
    if (event.key === "Escape" && !event.target.closest("dialog")) event.target.blur();
    return;
  }
  if (event.key === "?") help();
  else if (event.key === "t") globalThis.patrolTheme();
  else if (event.key === "o") visit("/");
  else if (event.key === "m") visit("/alarms");
  else if (!screen?.key(event)) return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-view]");
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  visit(link.getAttribute("href"));
});

// -- begin -----------------------------------------------------------------------------------------------------

async function begin() {
  store.me = await whoAmI();
  say(at("title"), store.me.title);
  say(at("person"), `${store.me.name} (${store.me.role})`);
  at("sign-out").addEventListener("click", async () => {
    await tell("/api/sign-out", {});
    leave();
  });
  at("theme").addEventListener("click", globalThis.patrolTheme);
  at("help").addEventListener("click", help);
  addEventListener("popstate", show);
  listen((change) => {
    screen?.changed(change);
    if (change.deviations.size > 0 || change.whole) counts();
    if (change.pulse) tick();
  });
  await show();
  connect();
  setInterval(tick, 1000);
}

begin().catch((error) => announce(error.message, true));
