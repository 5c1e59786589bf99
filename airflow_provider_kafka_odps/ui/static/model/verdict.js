// What is the case with a task instance's window, in words: what it means for the table, why, and what to do.

import { ago, asked, count, duration } from "../draw/words.js";

const ACTIVE = ["running", "queued", "scheduled", "deferred", "restarting", "up_for_reschedule"];
const NOT_YET = ["none", "no_status", "upstream_failed", "skipped", "removed"];

export const isActive = (state) => ACTIVE.includes(state) || state === "up_for_retry";

/** Whether the page is worth asking for again soon. */
export const moves = ({ instance }) => Boolean(instance) && isActive(instance.state ?? "scheduled");

const place = ({ journal, receipt }) => {
  const [table, partition] = [journal?.table ?? receipt?.table, journal?.partition ?? receipt?.partition];
  return partition ? `${table} (${partition})` : table;
};

const SAME = "When the cause is corrected, clear this task: it loads the same window again, the whole of it, once.";
const FIRST_ASK =
  "Clear this task. Before it loads anything, it asks what became of the upload, and finishes or repeats it.";
const KEEP = "Do not forget the recorded window before that: nobody would know then whether its rows are there.";

/** What the table shows of a window that is not committed, by the phase of its journal, and what to do about it. */
function uncommitted({ journal }) {
  const table = journal.table;
  const nothing = journal.removing
    ? `Rows of an earlier load may be removed from ${table}, and none of this load is visible.`
    : journal.replaces
      ? `The rows of an earlier load are as they were in ${table}, and none of this load is visible.`
      : `No row of this load is visible in ${table}.`;
  switch (journal.phase) {
    case "publishing":
      return { nothing: `${nothing} Its rejects may be.`, next: ["Clear this task: it goes on from there."] };
    case "replacing":
      return { nothing, next: ["Clear this task: it goes on from there, and loads the rows again.", KEEP] };
    case "committing":
      if (journal.staged) return { nothing, next: ["Clear this task: it goes on from there.", KEEP] };
      return {
        doubt: `In doubt: upload ${journal.upload_id} was being committed; its rows may be in ${table}, all or none.`,
        next: [FIRST_ASK, KEEP],
      };
    case "merging":
      return {
        doubt: `In doubt: one statement was moving the rows into ${table}; they are there all, or none.`,
        next: ["Clear this task. Before anything else, it asks what became of the statement.", KEEP],
      };
    default:
      return { nothing, next: [SAME] };
  }
}

// What our errors say of the table in their last line, the page says itself, from the same journal.
const OF_THE_TABLE = /^(Nothing of this load|No window was planned|In doubt:|(Rows|The rows) of an earlier)/;

function whyOf({ why, whyHidden, instance }) {
  if (why) return [why.name, ...why.lines.filter((line) => !OF_THE_TABLE.test(line))];
  if (whyHidden) return [`Not known here: ${whyHidden}.`];
  return [
    `The log of try ${instance.try_number} has no error: the process was killed from outside, for want of memory, by a `
    + "time-out, or with its machine.",
  ];
}

/** The error's own words say what to do, too: what is general comes behind them. */
function failed(told) {
  const { instance, journal } = told;
  const why = whyOf(told);
  if (instance.state === "up_for_retry") {
    const left = Math.max(1, (instance.max_tries ?? 0) + 1 - instance.try_number);
    const means = journal?.phase ? state(told) : ["No window was planned yet: nothing was read."];
    return {
      tone: "warn",
      title: `Try ${instance.try_number} has failed; Airflow tries again by itself`,
      means: [...means, `${count(left, "more try", "more tries")} before the task fails.`],
      why,
      next: ["Wait for the next try, unless the reason says that no retry helps."],
    };
  }
  if (!journal || journal.phase === "planning") {
    return {
      tone: "bad",
      title: "Failed before a window was planned",
      means: ["Nothing was read, and no row is visible."],
      why,
      next: ["When the cause is corrected, clear this task: it plans its window then."],
    };
  }
  if (journal.phase === "committed") {
    return {
      tone: "warn",
      title: `Failed after the commit: the rows are in ${place(told)}`,
      means: [`${count(journal.receipt?.rows ?? 0, "row")} of this window are visible, committed once.`],
      why,
      next: [
        "Clear this task when the cause is corrected: it looks at the table again and finishes, without loading twice.",
      ],
    };
  }
  const { nothing, doubt, next } = uncommitted(told);
  return doubt
    ? { tone: "doubt", title: "Failed in the middle of its commit", means: [doubt], why, next }
    : { tone: "bad", title: "Failed: nothing was committed", means: [nothing], why, next };
}

function state(told) {
  if (told.journal.phase === "committed") return ["The rows of this window are visible already."];
  if (told.journal.phase === "planning") return ["No window was planned yet: nothing was read."];
  const { nothing, doubt } = uncommitted(told);
  return [doubt ?? nothing];
}

const PHASES = {
  planning: "Planning the window",
  planned: "About to load",
  uploading: "Loading",
  publishing: "Making the rejects visible",
  replacing: "Removing the rows of the load before",
  committing: "Committing",
  merging: "Moving the rows into their partitions",
  committed: "Comparing the table with what was loaded",
};

/** How far a load is that runs: a share of its offsets, and the time that the rest takes at this pace. */
export function pace(progress) {
  const { passed, span, seconds } = progress;
  const share = span ? Math.min(0.99, passed / span) : 0;
  const left = passed > 0 ? (seconds * Math.max(0, span - passed)) / passed : null;
  return { share, left, rate: seconds > 0 ? progress.rows / seconds : 0 };
}

function running(told, now) {
  const { instance, journal, progress } = told;
  if (instance.state !== "running") {
    return {
      tone: "busy",
      title: `Waiting for Airflow: the task is ${instance.state ?? "not scheduled yet"}`,
      means: journal ? state(told) : [],
    };
  }
  const phase = journal?.phase ?? "planning";
  if (phase === "uploading" && progress) {
    const { share, left } = pace(progress);
    const rest = left === null ? "" : left > 0 ? `, about ${duration(left)} left` : ", the last blocks are written";
    return {
      tone: "busy",
      title: `Loading: ${Math.floor(share * 100)} %${rest}`,
      means: [
        `${count(progress.rows, "row")} are on their way as of ${ago(progress.at, now)}. ${state(told)[0]}`,
      ],
      share,
    };
  }
  const means = journal ? state(told) : ["Nothing was read yet."];
  return { tone: "busy", title: `${PHASES[phase] ?? phase} \u2026`, means };
}

function loaded(told) {
  const { receipt, window } = told;
  const lost = Object.values(receipt.partitions).reduce((sum, each) => sum + (each.missing ?? 0), 0);
  const doubts = [...(receipt.missing ?? []), ...(receipt.possibly_missing ?? [])];
  const how = {
    offsets: "The table shows every one of them, compared by offsets.",
    rows: "The table shows as many, compared by their number.",
  }[receipt.reconciled] ?? "The table was not compared with them.";
  const means = [receipt.rows ? how : "The window is done; it had no rows to load."];
  if (lost || doubts.length) {
    const what = lost ? `${count(lost, "offset")} were lost before they could be loaded` : "Some offsets may be lost";
    means.push(`${what}: ${doubts.slice(0, 5).join(", ")}${doubts.length > 5 ? " …" : ""}.`);
  }
  if (receipt.rejects) {
    const kept = receipt.rejected_to?.place ? `, kept in ${receipt.rejected_to.place}` : ", not kept anywhere";
    means.push(`${count(receipt.rejects, "record")} did not fit the table${kept}.`);
  }
  for (const each of receipt.differs ?? []) means.push(`The parameters ask for something else by now: ${each}.`);
  return {
    tone: lost || doubts.length ? "warn" : "good",
    title: `Loaded: ${count(receipt.rows, "row")} of ${asked(window)}`
      + `${lost ? `, but ${count(lost, "offset is", "offsets are")} lost` : ""}`,
    means,
  };
}

/** What is the case: tone, title, what it means, why, and what to do. */
export function verdictOf(told, now = Date.now()) {
  const { instance, window, receipt, hidden } = told;
  if (instance === null) {
    return {
      tone: "idle",
      title: "Airflow has no such task instance",
      means: ["It may have been removed; of a mapped task, open one of its instances."],
    };
  }
  const current = instance.state ?? "none";
  if (current === "failed" || current === "up_for_retry") return failed(told);
  if (isActive(current)) return running(told, now);
  if (current === "success" && receipt && window) return loaded(told);
  if (told.elsewhere) {
    return {
      tone: "idle",
      title: "This window is kept elsewhere",
      means: ["A backend of this deployment keeps the values of the state store; only it can read them."],
    };
  }
  if (hidden.length) {
    return {
      tone: "idle",
      title: "You may not see this window",
      means: [`It needs the right to read ${hidden.join(" and ")} of this DAG.`],
    };
  }
  return nothing(told, current);
}

function nothing({ journal, instance }, current) {
  if (journal && journal.phase !== "committed" && journal.phase !== "planning") {
    const told = uncommitted({ journal });
    return {
      tone: "warn",
      title: `The task is ${current}, and its window is not committed`,
      means: [told.doubt ?? told.nothing],
      next: told.next,
    };
  }
  const title = NOT_YET.includes(current) ? "Nothing has run yet" : "This task has recorded no window of Kafka offsets";
  const means = [`${instance.operator_name ?? instance.operator ?? "The task"} is ${current}. Windows are those of `
    + "KafkaToMaxComputeOperator."];
  return { tone: "idle", title, means };
}


