// Asking the server; whoever is not signed in any more is sent to do so.

let word = "";

/** Send to the sign-in page, and back here afterwards. */
export function leave() {
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}

async function answered(response) {
  if (response.status === 401) {
    leave();
    throw new Error("signed out");
  }
  const content = await response.json().catch(() => ({ error: `the console answered ${response.status}` }));
  if (!response.ok) throw new Error(content.error ?? `the console answered ${response.status}`);
  return content;
}

/** What the server tells of something. */
export async function ask(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  const search = new URLSearchParams(given).toString();
  return answered(await fetch(search ? `${path}?${search}` : path));
}

/** Ask that something be done. */
export async function tell(path, content) {
  const headers = { "Content-Type": "application/json", "X-PATrol-Word": word };
  return answered(await fetch(path, { method: "POST", headers, body: JSON.stringify(content) }));
}

/** Who is signed in. */
export async function whoAmI() {
  const me = await ask("/api/me");
  word = me.word;
  return me;
}
