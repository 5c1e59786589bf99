// Bars in the rows of a table: what became of each offset of a window, and where the time went.

import { el, grid, svg } from "./dom.js";
import { count, duration, number, partitionsOf, spanOf } from "./words.js";

/** What an offset can have become, in the order in which a bar has it, and what that is called. */
export const KINDS = {
  rows: "became rows",
  passed: "read and sent so far",
  rejects: "rejected",
  filtered: "left out by the filter",
  compacted: "removed by compaction",
  aborted: "of aborted transactions",
  control: "transaction markers",
  missing: "lost, and skipped",
};

const WIDTH = 1000;
const LEAST = 5;

/**
 * Lays parts out in a width. A part that is not nothing can be seen, however small it is: one lost offset among
 * millions must not vanish.
 */
export function layOut(parts, whole, width = WIDTH) {
  const seen = parts.filter(([, value]) => value > 0);
  const widths = seen.map(([, value]) => Math.max(LEAST, (value / (whole || 1)) * width));
  const excess = widths.reduce((sum, each) => sum + each, 0) - width;
  if (excess > 0) widths[widths.indexOf(Math.max(...widths))] -= excess;
  let x = 0;
  return seen.map(([kind], at) => {
    const placed = { kind, x, width: Math.max(1, widths[at]) };
    x += placed.width;
    return placed;
  });
}

function bar(parts, whole, share) {
  const width = Math.max(LEAST, share * WIDTH);
  return svg("svg", { viewBox: `0 0 ${WIDTH} 10`, preserveAspectRatio: "none", class: "bar", "aria-hidden": "true" },
    svg("rect", { x: 0, y: 0, width, height: 10, class: "span" }),
    layOut(parts, whole, width).map(({ kind, x, width: its }) =>
      svg("rect", { x, y: 0, width: its, height: 10, class: kind })));
}

/** The parts of one partition: of a load that is done, or of one that runs. */
function partsOf(told, passed) {
  if (told) return Object.keys(KINDS).map((kind) => [kind, told[kind] ?? 0]);
  return [["passed", passed ?? 0]];
}

function words(parts, range) {
  const said = parts.filter(([, value]) => value > 0)
    .map(([kind, value]) => (kind === "rows" ? count(value, "row") : `${number(value)} ${KINDS[kind]}`));
  return said.join(", ") || count(spanOf(range), "offset");
}

function row(label, range, parts, longest, isNamed) {
  const span = spanOf(range);
  return el("tr", { class: isNamed ? "bad" : null },
    el("th", { scope: "row", class: isNamed ? "state" : null }, label, isNamed ? " \u2715" : ""),
    el("td", { class: "picture" }, bar(parts, span, span / Math.max(1, longest))),
    el("td", {}, isNamed ? "named in the error: " : "", words(parts, range)),
    el("td", { class: "offsets" }, `[${range[0]}, ${range[1]})`));
}

/** Which partitions a reader wants to see first: those in the error, what was lost, did not fit, then what is large. */
function notable(window, { counts, passed, named }) {
  const told = (each) => counts?.[each] ?? {};
  const left = (each) => spanOf(window.partitions[each]) - (passed?.[each] ?? 0);
  const key = counts
    ? (each) => [told(each).missing ?? 0, told(each).rejects ?? 0, told(each).late ?? 0, left(each)]
    : (each) => [named?.has(each) ? 1 : 0, left(each)];
  const keys = new Map(partitionsOf(window).map((each) => [each, key(each)]));
  return [...keys.keys()].sort((a, b) => {
    const [one, two] = [keys.get(a), keys.get(b)];
    const at = one.findIndex((value, index) => value !== two[index]);
    return at < 0 ? a - b : two[at] - one[at];
  });
}

export const MOST_BARS = 12;

/**
 * What became of each offset: all partitions together, then each; of many, those first that are worth a look.
 * `counts` are those of a receipt, `passed` those of a load that runs; `all` shows every partition, in order.
 */
export function partitionBars(window, { counts, passed, named, all, onAll }) {
  const numbers = partitionsOf(window);
  const many = numbers.length > MOST_BARS + 4;
  const shown = many && !all ? notable(window, { counts, passed, named }).slice(0, MOST_BARS) : numbers;
  const longest = Math.max(1, ...shown.map((each) => spanOf(window.partitions[each])));
  const rows = shown.map((each) => {
    const parts = partsOf(counts && (counts[each] ?? {}), passed?.[each]);
    return row(`partition ${each}`, window.partitions[each], parts, longest, named?.has(each));
  });
  const button = many && onAll
    ? el("button", { id: "all-partitions", type: "button", "aria-expanded": String(Boolean(all)), click: onAll },
      all ? "Only those worth a look" : `All ${number(numbers.length)} partitions`)
    : null;
  const one = numbers.length === 1;
  const heads = ["partition", "", counts ? "became" : "", "offsets"];
  return [
    one ? null : totalBar(window, counts, passed),
    grid("What became of each offset, by partition", heads, rows, "bars"),
    button,
  ];
}

function totalBar(window, counts, passed) {
  const total = {};
  for (const each of partitionsOf(window)) {
    for (const [kind, value] of partsOf(counts && (counts[each] ?? {}), passed?.[each])) {
      total[kind] = (total[kind] ?? 0) + value;
    }
  }
  const span = partitionsOf(window).reduce((sum, each) => sum + spanOf(window.partitions[each]), 0);
  const parts = Object.entries(total);
  const legend = parts.filter(([, value]) => value > 0).map(([kind, value]) =>
    el("li", {}, el("i", { class: `swatch ${kind}`, "aria-hidden": "true" }), `${number(value)} ${KINDS[kind]}`));
  const shown = legend.length ? legend : el("li", {}, "none of them is loaded");
  const caption = el("figcaption", {}, el("ul", { class: "legend" }, shown));
  return el("figure", { class: "total" }, bar(parts, span, 1), caption);
}

const STAGES = {
  prepare: "planning, opening the upload",
  queue: "waiting for a core",
  wait: "waiting for Kafka",
  decode: "unpacking records",
  project: "making columns of them",
  pack: "packing rows",
  throttle: "held back by max_bytes_per_second",
  pause: "waiting for a free slot, or between tries",
  write: "sending to MaxCompute",
  commit: "the commit",
};
const AROUND = ["prepare", "commit"];

/** Where the time went: stages of several lanes overlap, so their sum may be longer than the load took. */
export function stageBars(seconds) {
  const order = Object.keys(STAGES);
  // A database may not keep the order of keys.
  const stages = Object.entries(seconds).filter(([, spent]) => spent > 0)
    .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  const most = Math.max(0.001, ...stages.map(([, spent]) => spent));
  const slowest = stages.filter(([stage]) => !AROUND.includes(stage)).sort(([, a], [, b]) => b - a)[0]?.[0];
  const rows = stages.map(([stage, spent]) => el("tr", { class: stage === slowest ? "slowest" : null },
    el("th", { scope: "row" }, stage),
    el("td", { class: "picture" }, bar([["stage", spent]], spent, spent / most)),
    el("td", {}, duration(spent)),
    el("td", {}, STAGES[stage] ?? "")));
  return grid("Seconds of each stage, of all lanes together", ["stage", "", "took", "is"], rows, "bars");
}
