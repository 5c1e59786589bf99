// What is the case with all windows of a topic and a table, in words.

import { asked, count, instant, range, spanOf } from "../draw/words.js";

const sum = (found, kind) => found.filter((each) => each.kind === kind).reduce((all, each) => all + each.offsets, 0);

/** Where the loads end: what was asked for as the end of the last window that is done, if that is a time. */
function upTo(columns) {
  const done = columns.filter((load) => load.state === "loaded");
  const end = done.at(-1)?.window.end?.asked ?? "";
  return /^\d{4}-/.test(end) ? ` up to ${instant(end)}` : "";
}

function failures(unfinished) {
  const failed = unfinished.filter((each) => each.state === "failed");
  if (!failed.length) return [];
  const runs = failed.slice(0, 3).map((each) => asked(each.window)).join("; ");
  return [`Failed: ${runs}${failed.length > 3 ? " \u2026" : ""}.`];
}

/** Tone, title, what it means, and what to do about it. */
export function windowsVerdict({ found, columns, unfinished, topic }, { isComplete, seen, total }) {
  const [holes, overlaps] = [sum(found, "hole"), sum(found, "overlap")];
  const running = unfinished.filter((each) => each.state === "running").length;
  const means = failures(unfinished);
  if (running) means.push(`${count(running, "load runs or waits", "loads run or wait")}.`);
  if (!isComplete) means.push(`Of the newest ${seen} of ${total} loads.`);
  if (holes) {
    const worst = found.find((each) => each.kind === "hole");
    const first = worst.ranges[0];
    means.unshift(`The largest: ${range(topic, first.partition, first.range)}`
      + `${worst.ranges.length > 1 ? ` and ${count(worst.ranges.length - 1, "other partition")}` : ""}.`);
    const because = found.filter((each) => each.kind === "hole").map((each) => each.because?.state);
    const why = because.some(Boolean);
    const failed = because.every((each) => each === "failed");
    return {
      tone: "bad",
      title: failed ? `${count(holes, "offset")} are missing: the load between others has failed`
        : `${count(holes, "offset")} between the windows are in no window`,
      means,
      next: [
        why ? "Open the run that should have them (below), and clear it once its cause is corrected."
          : "Load what is missing: by a backfill of its dates, or by a run with these offsets as start and end.",
        ...(failed ? [] : [isComplete
          ? "If Airflow has deleted old events, what it has deleted looks like a hole, too: look at the table."
          : "Older loads may have them: ask for these below."]),
      ],
    };
  }
  if (overlaps) {
    return {
      tone: "doubt",
      title: `${count(overlaps, "offset")} are in two windows`,
      means: ["Their rows are in the table twice, unless one load has replaced the other, or filters keep them apart.",
        ...means],
      next: ["Look at the runs below: was one of them planned anew, or do two DAGs load the topic into this table?"],
    };
  }
  const failed = unfinished.filter((each) => each.state === "failed").length;
  const loaded = columns.filter((load) => load.state === "loaded");
  const offsets = loaded.reduce((all, load) =>
    all + Object.values(load.window.partitions).reduce((its, each) => its + spanOf(each), 0), 0);
  return {
    tone: failed ? "bad" : "good",
    title: failed ? `${count(failed, "load has", "loads have")} failed; the others have no hole and no overlap`
      : `Complete${upTo(columns)}: no hole, no overlap`,
    means: [`${count(loaded.length, "window covers", "windows cover")} ${count(offsets, "offset")}, each of them once.`,
      ...means],
    next: failed ? ["Open the runs that failed (below): each page says why, and what to do."] : [],
  };
}
