// Name and password for a cookie; then to where one wanted to go.

const form = document.getElementById("sign-in");
const errorMessage = document.getElementById("wrong");

/** The page one wanted, if it is one of ours. */
function nextUrl() {
  const next = new URL(new URLSearchParams(location.search).get("next") ?? "/", location.origin);
  return next.origin === location.origin ? next.href : "/"; // whole: a path alone may begin with two slashes
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  errorMessage.textContent = "";
  const credentials = { name: form.elements.name.value, password: form.elements.password.value };
  try {
    const response = await fetch("/api/sign-in", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(credentials),
    });
    if (response.ok) {
      location.replace(nextUrl());
      return;
    }
    errorMessage.textContent = (await response.json()).error;
    form.elements.password.select();
  } catch {
    errorMessage.textContent = "the console does not answer; try again";
  } finally {
    button.disabled = false;
  }
});
