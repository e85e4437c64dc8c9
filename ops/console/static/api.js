// Requests to the server; whoever is not signed in any more is sent to do so.

let csrfToken = "";

/** Send to the sign-in page, and back here afterwards. */
export function goToSignIn() {
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}

async function parseResponse(response) {
  if (response.status === 401) {
    goToSignIn();
    throw new Error("signed out");
  }
  const content = await response.json().catch(() => ({ error: `the console answered ${response.status}` }));
  if (!response.ok) throw new Error(content.error ?? `the console answered ${response.status}`);
  return content;
}

/** What the server tells of something. */
export async function getJson(path, query = {}) {
  const defined = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  const parameters = new URLSearchParams(defined).toString();
  return parseResponse(await fetch(parameters ? `${path}?${parameters}` : path));
}

/** Ask that something be done. */
export async function postJson(path, content) {
  const headers = { "Content-Type": "application/json", "X-PATrol-Word": csrfToken };
  return parseResponse(await fetch(path, { method: "POST", headers, body: JSON.stringify(content) }));
}

/** Who is signed in. */
export async function fetchSession() {
  const session = await getJson("/api/me");
  csrfToken = session.word;
  return session;
}
