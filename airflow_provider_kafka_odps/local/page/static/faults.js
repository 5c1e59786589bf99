// Faults: what is to go wrong, set and cleared by a click.

import { el, grid } from "./dom.js";
import { number } from "./words.js";

/** What can be set here, and what each needs; the control route takes every other, too. */
const KINDS = {
  "refuse with 503": { kind: "refuse", status: 503, code: "ServiceUnavailable" },
  "refuse with 429": { kind: "refuse", status: 429, code: "FlowExceeded", retry_after: 1 },
  "refuse with 403": { kind: "refuse", status: 403, code: "NoPermission" },
  "drop before any effect": { kind: "drop", moment: "before" },
  "drop after the effect": { kind: "drop", moment: "after" },
  "wait 10 s": { kind: "delay", seconds: 10 },
  "cut the answer off": { kind: "truncate", keep: 10 },
  "change a byte": { kind: "corrupt", at: 0 },
  "expire the upload": { kind: "expire" },
};

const option = (value) => el("option", { value }, value);

export const FIRST = KINDS["refuse with 503"];

export function faultForm(operations, onSet) {
  const operation = el("select", { id: "fault-operation", "aria-label": "Operation" }, operations.map(option));
  const kind = el("select", { id: "fault-kind", "aria-label": "What happens" }, Object.keys(KINDS).map(option));
  const nth = el("input", { id: "fault-nth", type: "number", min: 1, value: 1 });
  const times = el("input", { id: "fault-times", type: "number", min: 1, value: 1 });
  const set = () => onSet({
    operation: operation.value, fault: KINDS[kind.value], nth: Number(nth.value), times: Number(times.value),
  });
  return el("div", { class: "row", id: "fault-form" },
    el("label", {}, "let", operation), kind, el("label", {}, "at match", nth), el("label", {}, "times", times),
    el("button", { type: "button", id: "fault-set", click: set }, "Set"));
}

function words(fault) {
  const { kind, ...rest } = fault;
  const said = Object.entries(rest).filter(([name, value]) => value !== null && name !== "message");
  return [kind, ...said.map(([name, value]) => `${name} ${value}`)].join(", ");
}

export function faultList(faults, onClear) {
  if (!faults.length) return el("p", { class: "note" }, "No fault is set.");
  const rows = faults.map(({ rule, seen, fired }) => {
    const left = Math.max(0, rule.nth + rule.times - 1 - seen);
    return el("tr", {},
      el("td", { class: "number" }, rule.number),
      el("td", {}, rule.operation, rule.table ? ` of ${rule.table}` : ""),
      el("td", {}, words(rule.fault)),
      el("td", { class: "number" }, number(seen)),
      el("td", {}, fired.length ? `requests ${fired.join(", ")}` : ""),
      el("td", { class: "state" }, left ? "set" : "over"));
  });
  const heads = ["#", "operation", "fault", "matched", "fired at", ""];
  return [
    grid("Faults", heads, rows, "", ["#", "matched"]),
    el("button", { type: "button", id: "fault-clear", click: onClear }, "Clear all faults"),
  ];
}
