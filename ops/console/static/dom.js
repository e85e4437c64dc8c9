// Elements without markup in strings: nothing that comes from Kafka can become HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element: h("button", { class: "plain", onclick: f }, "words", child, null). */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Set an element's text, only where it differs (200 rows are told the time every second). */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A priority's shape: triangle 1, diamond 2, disc 3. Filled: nobody has seen it; hollow: somebody has. */
export function prioritySymbol(priority, filled = true) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `shape ${priority} ${filled ? "filled" : "hollow"}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  const paths = { high: "M12 2 23 21.500H1z", medium: "M12 1 23 12 12 23 1 12z", low: "M12 2a10 10 0 1 0 .01 0z" };
  path.setAttribute("d", paths[priority]);
  const digit = document.createElementNS(SVG, "text");
  digit.setAttribute("x", "12");
  digit.setAttribute("y", priority === "high" ? "19" : "16.800");
  digit.textContent = { high: "1", medium: "2", low: "3" }[priority];
  svg.append(path, digit);
  return svg;
}
