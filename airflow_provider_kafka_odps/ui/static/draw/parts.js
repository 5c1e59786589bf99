// Parts that every page has: what is the case in one sentence, and the numbers beside it.

import { el } from "./dom.js";

/** A number with its name; nothing where it is not known. */
export function fact(name, value, { tone, title } = {}) {
  if (value === undefined || value === null) return null;
  return el("div", { class: tone ? `fact ${tone}` : "fact", title }, el("dt", {}, name), el("dd", {}, String(value)));
}

export const facts = (...shown) => el("dl", { class: "facts" }, shown);

const SIGNS = { good: "\u2713", busy: "\u27f3", bad: "\u2715", doubt: "?", warn: "!", idle: "\u2013" };

/** What is the case: a sign, a sentence, what it means; then why, and what to do. */
export function verdict({ tone, title, means = [], why = [], next = [] }, ...more) {
  const list = (items) => el("ul", {}, items.map((each) => el("li", {}, each)));
  const line = (each) => el("p", { class: each.startsWith(" ") ? "item" : null }, each);
  return el("section", { class: `verdict ${tone}`, role: tone === "busy" ? "status" : null, "aria-label": title },
    el("h1", {}, el("span", { class: "sign", "aria-hidden": "true" }, SIGNS[tone]), title),
    means.map((each) => el("p", {}, each)),
    why.length ? el("div", { class: "why" }, el("h2", {}, "Why"), why.map(line)) : null,
    next.length ? el("div", { class: "next" }, el("h2", {}, "What to do"), list(next)) : null,
    more);
}

export const note = (text) => el("p", { class: "note" }, text);

/** A heading with what is below it. */
export function section(title, ...children) {
  const shown = children.flat().filter(Boolean);
  return shown.length ? el("section", { "aria-label": title }, el("h2", {}, title), shown) : null;
}
