// Name and password for a cookie; then to where one wanted to go.

const form = document.getElementById("sign-in");
const wrong = document.getElementById("wrong");

/** The page one wanted, if it is one of ours. */
function wanted() {
  const next = new URL(new URLSearchParams(location.search).get("next") ?? "/", location.origin);
  return next.origin === location.origin ? next.href : "/"; // whole: a path alone may begin with two slashes
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  wrong.textContent = "";
  const given = { name: form.elements.name.value, password: form.elements.password.value };
  try {
    const response = await fetch("/api/sign-in", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(given),
    });
    if (response.ok) {
      location.replace(wanted());
      return;
    }
    wrong.textContent = (await response.json()).error;
    form.elements.password.select();
  } catch {
    wrong.textContent = "the console does not answer; try again";
  } finally {
    button.disabled = false;
  }
});
