// Small helpers for the page's elements.

export const $ = id => document.getElementById(id);

/** Make an element: el("td", {class: "n"}, "1.2"). Attributes that are undefined or false are left out. */
export function el(tag, attributes = {}, ...children) {
  const svg = ["svg", "line", "path", "rect", "text", "title", "g"].includes(tag);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter(child => child !== undefined));
  return made;
}

/** Announce politely what has happened. */
export function say(text) {
  $("status").textContent = text;
}

/** Show an error until the next action; an empty text hides it. */
export function fail(text) {
  $("error").hidden = !text;
  if ($("error").textContent !== text) $("error").textContent = text;
}

export function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
