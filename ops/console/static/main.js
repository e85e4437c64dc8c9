// The page: its bar, its banners, and which screen is shown.

import { openDialog } from "./actions.js";
import { fetchSession, goToSignIn, postJson } from "./api.js";
import { h, setText } from "./dom.js";
import { PRIORITIES, STATES, formatTime } from "./format.js";
import { notify } from "./notification.js";
import { OverviewScreen } from "./overview.js";
import { plantTime, store, subscribe } from "./store.js";
import { connect, staleSince } from "./stream.js";

const byId = (id) => document.getElementById(id);
const overview = new OverviewScreen();
let screen = null,
  navigationCount = 0;

/** Show the screen of the address. */
async function showScreen() {
  const navigation = ++navigationCount,
    url = new URL(location.href);
  const nextScreen = await createScreen(url);
  if (navigation !== navigationCount) return;
  screen?.dispose();
  screen = nextScreen;
  byId("content").replaceChildren(screen.element);
  document.title = screen.title;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  screen.render();
  updateCounts();
}

async function createScreen(url) {
  if (url.pathname === "/batch") return new (await import("./batch.js")).BatchScreen(url.searchParams);
  if (url.pathname === "/alarms") return new (await import("./alarm-metrics.js")).AlarmMetricsScreen(url.searchParams);
  return overview;
}

function navigate(href) {
  history.pushState(null, "", href);
  showScreen();
}

// -- the bar ---------------------------------------------------------------------------------------------------

function updateCounts() {
  const inState = (state) => [...store.deviations.values()].filter((d) => d.state === state);
  const count = (state) => inState(state).length;
  const highestPriority = (state) =>
    PRIORITIES.find((priority) => inState(state).some((d) => d.priority === priority)) ?? "none";
  const renderKey = Object.keys(STATES)
    .map((state) => `${state}${count(state)}${highestPriority(state)}${overview.list.visibleStates.has(state)}`)
    .join();
  if (updateCounts.renderKey === renderKey) return;
  updateCounts.renderKey = renderKey;
  byId("counts").replaceChildren(
    ...Object.keys(STATES).map((state) =>
      h(
        "button",
        {
          class: `count ${state.toLowerCase()} ${count(state) > 0 ? "some" : ""}`,
          "data-worst": highestPriority(state),
          "aria-pressed": String(overview.list.visibleStates.has(state)),
          title: `${STATES[state]}: show or hide`,
          onclick: () => {
            overview.list.toggle(state);
            updateCounts();
            if (screen !== overview) navigate("/");
          },
        },
        h("b", {}, String(count(state))),
        ` ${STATES[state].split(",")[0]}`,
      ),
    ),
  );
}

function updateBanners() {
  const messages = [],
    staleTime = staleSince(),
    status = store.systemStatus;
  if (staleTime !== null)
    messages.push([
      "stale",
      `STALE: nothing has been heard from the console since ${new Date(staleTime).toLocaleTimeString()}. What is shown is old. Reconnecting …`,
    ]);
  else if (status.failed) messages.push(["stale", `STALE: the console reads no more: ${status.failed}`]);
  else if (!status.live && status.now !== null)
    messages.push([
      "stale",
      "STALE: Kafka does not answer, or is still being caught up with. What is shown may be old.",
    ]);
  if (status.unjudged.length > 0)
    messages.push([
      "unjudged",
      `NOT JUDGED: scans come but PATrol says nothing of ${status.unjudged.join(", ")}. Is \`patrol run\` up?`,
    ]);
  if (status.flood)
    messages.push([
      "flood",
      `ALARM FLOOD: ${status.annunciations} deviations annunciated in the last 10 minutes. Key p puts the highest priority first.`,
    ]);
  const renderKey = messages.join();
  if (updateBanners.renderKey === renderKey) return;
  updateBanners.renderKey = renderKey;
  byId("banners").replaceChildren(
    ...messages.map(([cssClass, text]) => h("div", { class: `banner ${cssClass}` }, text)),
  );
  document.body.classList.toggle("is-stale", messages[0]?.[0] === "stale");
}

function tick() {
  updateBanners();
  setText(byId("clock"), `${formatTime(plantTime())} UTC`);
  const stale = document.body.classList.contains("is-stale");
  setText(byId("link"), stale ? "stale" : store.systemStatus.now === null ? "connecting" : "live");
  byId("link").className = `link ${stale ? "bad" : "good"}`;
  screen?.tick();
}

// -- keys ------------------------------------------------------------------------------------------------------

const KEY_BINDINGS = [
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

function openKeyHelp() {
  openDialog(
    "Keys",
    [
      h(
        "dl",
        { class: "keys" },
        KEY_BINDINGS.flatMap(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)]),
      ),
    ],
    null,
  );
}

document.addEventListener("keydown", (event) => {
  const inputField = event.target.closest?.("input, textarea, select, dialog");
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (inputField) {
    if (event.key === "Escape" && !event.target.closest("dialog")) event.target.blur();
    return;
  }
  if (event.key === "?") openKeyHelp();
  else if (event.key === "t") globalThis.patrolToggleTheme();
  else if (event.key === "o") navigate("/");
  else if (event.key === "m") navigate("/alarms");
  else if (!screen?.handleKey(event)) return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-view]");
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  navigate(link.getAttribute("href"));
});

// -- begin -----------------------------------------------------------------------------------------------------

async function start() {
  store.session = await fetchSession();
  setText(byId("title"), store.session.title);
  setText(byId("person"), `${store.session.name} (${store.session.role})`);
  byId("sign-out").addEventListener("click", async () => {
    await postJson("/api/sign-out", {});
    goToSignIn();
  });
  byId("theme").addEventListener("click", globalThis.patrolToggleTheme);
  byId("help").addEventListener("click", openKeyHelp);
  addEventListener("popstate", showScreen);
  subscribe((change) => {
    screen?.onStoreChange(change);
    if (change.deviations.size > 0 || change.isSnapshot) updateCounts();
    if (change.systemStatus) tick();
  });
  await showScreen();
  connect();
  setInterval(tick, 1000);
}

start().catch((error) => notify(error.message, true));
