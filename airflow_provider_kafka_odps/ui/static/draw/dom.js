// Elements of a page. Text is always text: nothing that somebody named can become markup.

const SVG = "http://www.w3.org/2000/svg";

function make(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") node.addEventListener(key, value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** An element of HTML; a function among its attributes listens to the event of that name. */
export function el(name, attributes = {}, ...children) {
  return make(document.createElement(name), attributes, children);
}

/** An element of SVG. */
export function svg(name, attributes = {}, ...children) {
  return make(document.createElementNS(SVG, name), attributes, children);
}

/** A table that scrolls by itself where it is too wide, by the keyboard, too; `numbers` are heads of such columns. */
export function grid(label, heads, rows, name = "", numbers = []) {
  const head = el("tr", {}, heads.map((each) =>
    el("th", { scope: "col", class: numbers.includes(each) ? "number" : null }, each)));
  const table = el("table", { class: name }, el("caption", { class: "unseen" }, label), el("thead", {}, head),
    el("tbody", {}, rows));
  return el("div", { class: "wide", role: "region", "aria-label": label, tabindex: 0 }, table);
}

/** What may be opened; it has a name, by which `show` keeps it open. */
export function fold(id, title, ...children) {
  return el("details", { id }, el("summary", {}, title), ...children);
}

/**
 * Shows nodes in place of what was there. What was open stays open, and what had the focus has it again: the page is
 * drawn anew while somebody reads it.
 */
export function show(root, ...nodes) {
  const open = new Set([...root.querySelectorAll("details[open]")].map((each) => each.id));
  const focused = root.contains(document.activeElement) ? document.activeElement.id : "";
  root.replaceChildren(...nodes.flat(Infinity).filter(Boolean));
  for (const each of root.querySelectorAll("details")) if (open.has(each.id)) each.open = true;
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  root.setAttribute("aria-busy", "false");
}
