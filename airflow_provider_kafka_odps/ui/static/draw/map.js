// The map of windows: a column for each window, a row for each partition, on a canvas, so that thousands of windows of
// hundreds of partitions are a picture, too. What is drawn can be read by the keyboard; a table has the rest.

import { el } from "./dom.js";
import { number, partitionsOf, range, spanOf } from "./words.js";

const MOST_HEIGHT = 420;
const [LEAST_ROW, MOST_ROW] = [2, 30];
const MOST_COLUMN = 64;

/** What a cell can be, the worst last: a column of many windows shows the worst of them. */
const RANKS = ["none", "empty", "rows", "running", "failed", "overlap", "hole"];

/** What is in each cell: kind, and how large the range is, beside the largest of its partition. */
export function cellsOf(columns, partitions, problems) {
  const rows = new Map(partitions.map((each, at) => [each, at]));
  const most = partitions.map(() => 1);
  const cells = columns.map((load) => {
    const column = partitions.map(() => ({ kind: "none", span: 0 }));
    for (const each of partitionsOf(load.window)) {
      const span = spanOf(load.window.partitions[each]);
      const kind = load.state !== "loaded" ? (load.state === "failed" ? "failed" : "running") : span ? "rows" : "empty";
      column[rows.get(each)] = { kind, span };
      most[rows.get(each)] = Math.max(most[rows.get(each)], span);
    }
    return column;
  });
  const places = new Map(columns.map((load, at) => [load, at]));
  for (const { kind, partition, load } of problems) {
    const cell = cells[places.get(load)]?.[rows.get(partition)];
    if (cell) cell.problem = kind;
  }
  return { cells, most };
}

function colours(root) {
  const style = getComputedStyle(root);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    none: null, empty: of("line"), rows: of("rows"), running: of("busy"), failed: of("bad"),
    overlap: of("doubt"), hole: of("missing"), back: of("back"), lag: of("warn"), ink: of("ink"),
  };
}

/** The worst of several cells, and the most of their sizes. */
function together(cells, at, most) {
  let [kind, strength, problem] = ["none", 0, null];
  for (const column of cells) {
    const cell = column[at];
    if (RANKS.indexOf(cell.kind) > RANKS.indexOf(kind)) kind = cell.kind;
    strength = Math.max(strength, cell.span / most[at]);
    if (cell.problem && RANKS.indexOf(cell.problem) > RANKS.indexOf(problem ?? "none")) problem = cell.problem;
  }
  return { kind, strength, problem };
}

/** Draws the map into a canvas of a width; returns how many windows a column stands for. */
function paint(canvas, { columns, partitions, cells, most, lag, at }, width) {
  const height = Math.max(LEAST_ROW, Math.min(MOST_ROW, Math.floor(MOST_HEIGHT / partitions.length)));
  const tail = lag ? Math.min(48, Math.max(12, width * 0.05)) : 0;
  const room = Math.max(1, width - tail);
  const each = Math.max(1, Math.ceil((columns.length * 2) / room));
  const drawn = Math.ceil(columns.length / each);
  const step = Math.min(MOST_COLUMN, room / drawn);
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(partitions.length * height * scale);
  // A property of the element's own style, which the policy allows where an attribute would not be.
  canvas.style.height = `${partitions.length * height}px`;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const shown = colours(canvas);
  const gap = { x: step > 6 ? 1 : 0, y: height > 5 ? 1 : 0 };
  const wrong = [];
  for (let column = 0; column < drawn; column += 1) {
    const some = cells.slice(column * each, (column + 1) * each);
    // On whole pixels: columns side by side would be blurred, and look like stripes.
    const [left, right] = [column, column + 1].map((edge) => Math.round(edge * step));
    for (let row = 0; row < partitions.length; row += 1) {
      const seen = together(some, row, most);
      const box = [left, row * height, right - left - gap.x, height - gap.y];
      cell(pen, seen, box, shown);
      if (seen.problem) wrong.push([seen.problem, box]);
    }
  }
  for (const [problem, box] of wrong) mark(pen, problem, box, shown);
  if (lag) hatch(pen, partitions, lag, [drawn * step + 3, height, tail - 6, gap.y], shown);
  if (at) {
    pen.strokeStyle = shown.ink;
    pen.lineWidth = 2;
    const left = Math.floor(at.column / each) * step;
    pen.strokeRect(left + 1, at.row * height + 1, Math.max(3, step - 2), Math.max(3, height - 2));
  }
  return { each, step, height, drawn };
}

function cell(pen, { kind, strength }, [x, y, width, height], shown) {
  if (!shown[kind]) return;
  pen.globalAlpha = kind === "rows" ? 0.35 + 0.65 * Math.sqrt(strength) : 1;
  pen.fillStyle = shown[kind];
  pen.fillRect(x, y, Math.max(1, width), Math.max(1, height));
  pen.globalAlpha = 1;
}

/** What is wrong, on top of all cells and never too small to be seen. A hole is at the left edge of what follows it. */
function mark(pen, problem, [x, y, width, height], shown) {
  const wide = problem === "hole" ? Math.max(3, Math.min(10, width / 3)) : Math.max(3, width);
  const high = Math.max(6, height);
  pen.fillStyle = shown[problem];
  pen.fillRect(x, y - (high - height) / 2, wide, high);
}

function hatch(pen, partitions, lag, [x, height, width, gap], shown) {
  const most = Math.max(1, ...Object.values(lag.partitions));
  pen.fillStyle = shown.lag;
  pen.globalAlpha = 0.55;
  partitions.forEach((each, row) => {
    const part = (lag.partitions[each] ?? 0) / most;
    if (part > 0) pen.fillRect(x, row * height, Math.max(2, part * width), Math.max(1, height - gap));
  });
  pen.globalAlpha = 1;
}

/** What a cell says, in words. */
function told({ columns, partitions, cells, topic }, at) {
  const [load, partition] = [columns[at.column], partitions[at.row]];
  const its = load.window.partitions[partition];
  const cell = cells[at.column][at.row];
  const what = its ? range(topic, partition, its) : `${topic}[${partition}] is not in this window`;
  const problem = { hole: ", and offsets before it are in no window", overlap: ", partly in another window, too" };
  const rows = load.rows === undefined || load.rows === null ? "" : ` \u00b7 ${number(load.rows)} rows in all`;
  return `${what}${problem[cell.problem] ?? ""} \u00b7 ${load.state} \u00b7 run ${load.runId}${rows}`;
}

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * The map as an element. `open` is called with the load whose column is clicked, or entered; arrows move from cell to
 * cell, and what the cell is can be read below, and heard.
 */
export function windowMap({ id, topic, columns, partitions, problems, lag, label, ends, open }) {
  const map = { topic, columns, partitions, lag, at: null, ...cellsOf(columns, partitions, problems) };
  const said = el("p", { class: "told note", "aria-live": "polite" },
    "Point at a cell, or move with the arrow keys, to see its run; click it, or press Enter, to open it.");
  const canvas = el("canvas", { role: "application", "aria-label": label, tabindex: 0, id });
  let drawn = null;
  const axis = el("div", { class: "axis" }, ends.map((each) => el("span", {}, each)));
  const draw = () => {
    drawn = paint(canvas, map, canvas.clientWidth || 600);
    axis.style.maxWidth = `${Math.max(320, Math.ceil(drawn.drawn * drawn.step))}px`;
  };
  const go = (column, row) => {
    const held = (value, most) => Math.max(0, Math.min(most - 1, value));
    map.at = { column: held(column, columns.length), row: held(row, partitions.length) };
    said.textContent = told(map, map.at);
    draw();
  };
  // Of a column that stands for several windows: one with something wrong, or else the first.
  const columnAt = (place, row) => {
    const first = place * drawn.each;
    const some = map.cells.slice(first, first + drawn.each);
    const odd = some.findIndex((column) => column[row]?.problem || column[row]?.kind === "failed");
    return first + Math.max(0, odd);
  };
  const under = (event) => {
    if (!drawn) draw();
    const box = canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left) / drawn.step);
    if (column >= drawn.drawn) return false;
    const row = Math.max(0, Math.min(partitions.length - 1, Math.floor((event.clientY - box.top) / drawn.height)));
    go(columnAt(column, row), row);
    return true;
  };
  canvas.addEventListener("mousemove", under);
  canvas.addEventListener("click", (event) => under(event) && open(columns[map.at.column]));
  canvas.addEventListener("keydown", (event) => {
    if (!drawn) draw();
    const at = map.at ?? { column: columns.length - 1, row: 0 };
    if (event.key in KEYS) {
      const [x, y] = KEYS[event.key];
      const place = Math.floor(at.column / drawn.each) + x;
      if (map.at && x && place >= 0 && place < drawn.drawn) go(columnAt(place, at.row), at.row);
      else go(at.column, map.at ? at.row + y : at.row);
      event.preventDefault();
    } else if (event.key === "Enter") open(columns[at.column]);
  });
  // In a frame of its own: what is drawn changes the size that is observed.
  new ResizeObserver(() => requestAnimationFrame(draw)).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  return { canvas, axis, said };
}
