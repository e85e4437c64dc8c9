// A word at the bottom of the page, and to screen readers.

let timer = 0;

/** Say something for a few seconds; trouble stays longer. */
export function announce(text, trouble = false) {
  const place = document.getElementById("said");
  place.textContent = text;
  place.classList.toggle("trouble", trouble);
  place.classList.add("shown");
  clearTimeout(timer);
  timer = setTimeout(() => place.classList.remove("shown"), trouble ? 10000 : 3500);
}
