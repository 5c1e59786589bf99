// Whether windows tile the log of each partition: what lies between them, and what is in two of them.

import { partitionsOf, spanOf } from "../draw/words.js";

/** In which order windows come: by what they were asked for, where that is a time for all; else by their offsets. */
export function inOrder(loads) {
  const time = (load) => (/^\d{4}-\d\d-\d\dT/.test(load.window.start?.asked ?? "")
    ? Date.parse(load.window.start.asked) : NaN);
  const times = new Map(loads.map((load) => [load, time(load)]));
  const byTime = loads.every((load) => !Number.isNaN(times.get(load)));
  const sums = new Map(loads.map((load) => [load, sumOf(load.window)]));
  return loads.toSorted((a, b) => (byTime ? times.get(a) - times.get(b) : 0)
    || sums.get(a) - sums.get(b) || Date.parse(a.window.planned_at) - Date.parse(b.window.planned_at));
}

const sumOf = (window) => Object.values(window.partitions).reduce((sum, [start, end]) => sum + start + end, 0);

/** Every partition that one of the windows has, in order. */
export const partitionsIn = (loads) =>
  [...new Set(loads.flatMap((load) => partitionsOf(load.window)))].sort((a, b) => a - b);

/**
 * What is wrong between loads that are done: `hole`, offsets that lie between windows and are in none; `overlap`,
 * offsets that are in two. Each names the load behind it, and the one before.
 */
export function problemsOf(loads) {
  const byPartition = new Map();
  for (const load of loads) {
    for (const [partition, range] of Object.entries(load.window.partitions)) {
      if (spanOf(range) === 0) continue;
      if (!byPartition.has(partition)) byPartition.set(partition, []);
      byPartition.get(partition).push({ range, load });
    }
  }
  const problems = [];
  for (const partition of [...byPartition.keys()].map(Number).sort((a, b) => a - b)) {
    const ranges = byPartition.get(String(partition));
    ranges.sort((a, b) => a.range[0] - b.range[0] || a.range[1] - b.range[1]);
    let reached = ranges[0];
    for (const each of ranges.slice(1)) {
      const [start, end] = each.range;
      const covered = reached.range[1];
      const of = { partition, load: each.load, before: reached.load };
      if (start > covered) problems.push({ kind: "hole", range: [covered, start], ...of });
      if (start < covered) problems.push({ kind: "overlap", range: [start, Math.min(end, covered)], ...of });
      if (end > covered) reached = each;
    }
  }
  return problems;
}

/** The same, those of one place together: an hour that is missing is one problem, and not one for each partition. */
export function grouped(problems) {
  const groups = new Map();
  for (const each of problems) {
    const key = [each.kind, ...[each.before, each.load].map(nameOf)].join("\n");
    if (!groups.has(key)) groups.set(key, { ...each, ranges: [], offsets: 0 });
    const group = groups.get(key);
    group.ranges.push({ partition: each.partition, range: each.range });
    group.offsets += spanOf(each.range);
  }
  return [...groups.values()].sort((a, b) => b.offsets - a.offsets);
}

export const nameOf = (load) => [load.dagId, load.runId, load.taskId, load.mapIndex].join("\n");

/** Whether a window that is not loaded has offsets of a hole: then it is known why there is one. */
export const covers = (window, { partition, range }) =>
  partition in window.partitions
  && window.partitions[partition][0] < range[1] && range[0] < window.partitions[partition][1];

/** How many offsets were behind the last window of each partition when it was planned; null: nobody knows. */
export function lagOf(loads) {
  const last = new Map();
  for (const load of loads) {
    for (const [partition, [, end]] of Object.entries(load.window.partitions)) {
      const logEnd = load.logEnd?.[partition];
      if (logEnd === undefined) continue;
      const known = last.get(partition);
      if (!known || end > known.end || (end === known.end && logEnd > known.logEnd)) {
        last.set(partition, { end, logEnd, at: load.window.planned_at });
      }
    }
  }
  if (!last.size) return null;
  const partitions = Object.fromEntries([...last].map(([each, { end, logEnd }]) => [each, Math.max(0, logEnd - end)]));
  const offsets = Object.values(partitions).reduce((sum, each) => sum + each, 0);
  return { offsets, partitions, at: [...last.values()].map(({ at }) => at).sort().at(-1) };
}
