// A notification at the bottom of the page, and to screen readers.

let hideTimer = 0;

/** Show it for a few seconds; an error stays longer. */
export function notify(text, isError = false) {
  const element = document.getElementById("said");
  element.textContent = text;
  element.classList.toggle("trouble", isError);
  element.classList.add("shown");
  clearTimeout(hideTimer);
  hideTimer = setTimeout(() => element.classList.remove("shown"), isError ? 10000 : 3500);
}
