// The page of one task instance: what became of its window.

import { Refused } from "../airflow/asking.js";
import { distinct, Loads } from "../airflow/loads.js";
import { askTask } from "../airflow/task.js";
import { partitionBars, stageBars } from "../draw/bars.js";
import { el, fold, show } from "../draw/dom.js";
import { fact, facts, note, section, verdict } from "../draw/parts.js";
import { asked, bytes, count, duration, instant, number, partitionsOf, spanOf } from "../draw/words.js";
import { neighboursOf } from "../model/neighbours.js";
import { moves, pace, verdictOf } from "../model/verdict.js";

/** How many events are looked through for the neighbours of a window. */
const MOST_EVENTS = 500;

function heading({ window, journal, receipt }, where, links) {
  const { table, partition, mode } = { ...receipt, ...journal };
  const task = where.mapIndex >= 0 ? `${where.taskId}[${where.mapIndex}]` : where.taskId;
  return el("div", { class: "where" },
    window ? el("p", {}, el("b", {}, window.topic), " \u2192 ",
      el("b", {}, partition ? `${table} (${partition})` : table ?? "its table"), mode ? ` \u00b7 ${mode}` : "",
      ` \u00b7 ${asked(window)}`) : null,
    el("p", {}, "task ", links.lead(el("a", { href: links.task(where) }, task)),
      ` \u00b7 run ${where.runId} \u00b7 DAG `,
      el("a", { href: links.windows({ dagId: where.dagId }) }, where.dagId)));
}

function numbers({ window, receipt, progress }) {
  const spans = partitionsOf(window).map((each) => spanOf(window.partitions[each]));
  const span = fact("offsets", number(spans.reduce((sum, each) => sum + each, 0)));
  const partitions = fact(spans.length === 1 ? "partition" : "partitions", number(spans.length));
  if (!receipt) {
    if (!progress) return facts(span, partitions);
    return facts(span, partitions, fact("rows so far", number(progress.rows)),
      fact("rows/s", number(pace(progress).rate)), fact("so far", bytes(progress.bytes)));
  }
  const lost = Object.values(receipt.partitions).reduce((sum, each) => sum + (each.missing ?? 0), 0);
  const some = (name, value, tone) => (value ? fact(name, number(value), { tone }) : null);
  return facts(span, partitions,
    fact("rows", number(receipt.rows), { tone: receipt.rows ? "good" : null }),
    some("lost", lost, "bad"), some("rejected", receipt.rejects, "warn"),
    some("left out by the filter", receipt.filtered), some("without a record", receipt.gaps),
    some("late", receipt.late), some("early", receipt.early),
    receipt.elapsed > 0 ? fact("rows/s", number(receipt.rows / receipt.elapsed)) : null,
    receipt.pace ? fact("of rows", `${bytes(receipt.pace)}/s`) : null,
    receipt.attempts > 1 ? fact("tries", number(receipt.attempts)) : null);
}

function time(receipt) {
  if (!receipt?.seconds || !Object.values(receipt.seconds).some((spent) => spent > 0)) return null;
  const lane = receipt.lane_pace
    ? `${count(receipt.lanes, "lane")} of ${bytes(receipt.lane_pace)}/s each, `
    : "";
  const whole = receipt.elapsed ? `${lane}${bytes(receipt.bytes)} in ${duration(receipt.elapsed)}. ` : "";
  return section("Where the time went",
    receipt.limit ? el("p", {}, `${whole}What limited it: ${receipt.limit}.`) : null,
    stageBars(receipt.seconds));
}

function beside(label, load, relation, links) {
  if (!load) return el("div", {}, el("b", {}, label), note("not among the loads that Airflow still knows"));
  const { hole, overlap } = load.gap;
  const [tone, words] = hole ? ["bad", `${count(hole, "offset")} between them are in neither window`]
    : overlap ? ["doubt", `${count(overlap, "offset")} are in both windows`] : ["good", `meets ${relation}`];
  return el("div", { class: tone }, el("b", {}, label), el("div", { class: "state" }, words),
    el("a", { href: links.window(load) }, asked(load.window)), el("div", {}, count(load.rows ?? 0, "row")));
}

function neighbours(window, loads, links) {
  if (!loads) return null;
  const { before, after } = neighboursOf(window, loads);
  if (!before && !after) return null;
  return section("Neighbours", el("div", { class: "neighbours" },
    beside("before", before, "this window", links),
    el("div", {}, el("b", {}, "this window"), el("div", {}, asked(window))),
    beside("after", after, "this window", links)));
}

const COMMIT = {
  answered: "the service said so when it was asked to commit",
  settled: "the answer was lost; the upload's status said so",
  "proved by rows": "the upload was gone; its rows were found in the table",
};

function pairs(entries) {
  const known = entries.filter(([, value]) => value !== undefined && value !== null && value !== "");
  return el("dl", { class: "pairs" }, known.map(([name, value]) => [el("dt", {}, name), el("dd", {}, String(value))]));
}

function details({ window, journal, receipt, written }) {
  const loaded = receipt ?? written;
  const end = window.end ?? {};
  return fold("details", receipt ? "Receipt, and where the window came from" : "Where the window came from", pairs([
    ["summary", receipt?.summary],
    ["phase", journal?.phase],
    ["start", `${window.start?.asked} (${window.start?.source})`],
    ["end", `${end.asked} (${end.source})`],
    ["planned", instant(window.planned_at)],
    ["isolation level", window.isolation_level],
    ["upload", journal?.upload_id ?? loaded?.upload_id],
    ["commit", loaded?.commit && (COMMIT[loaded.commit] ?? loaded.commit)],
    ["table compared by", receipt?.reconciled],
    ["blocks", loaded?.blocks && `${number(loaded.blocks)} of ${bytes(loaded.block_bytes ?? 0)}`],
    ["processes", loaded?.workers],
    ["tries", loaded?.attempts],
    ["asked for less", loaded?.refused ? `${count(loaded.refused, "time")} by MaxCompute` : null],
    ["rejects", loaded?.rejected_to?.place],
    ["lost", loaded?.missing?.join(", ")],
    ["may be lost", window.possibly_missing?.join(", ")],
    ["not planned beside it", window.left_out?.join(", ")],
    ["partitions of the table", loaded?.per_partition && Object.keys(loaded.per_partition).join(", ")],
    ["cluster", window.cluster_id],
    ["topic id", window.topic_id],
  ]));
}

function forgetting({ journal }) {
  if (!journal || journal.phase === "committed") return null;
  return fold("forget", "To plan another window instead (rarely right)",
    el("p", {}, "A cleared task loads the recorded window again, whatever its parameters ask for by now. To have it "
      + "plan a new one: open the task instance in Airflow, tab Storage, choose \u201cClear All Task State "
      + "Store\u201d, and clear the task. Rows that were committed stay in the table, so first make sure that this "
      + "window's are not there."));
}

/** Draws what is known; `again` is called to draw it anew. */
export function drawTask(root, told, where, links, loads, view, again) {
  const shown = verdictOf(told);
  const { window, receipt, progress } = told;
  const bar = shown.share === undefined ? null
    : el("progress", { max: 1, value: shown.share, "aria-label": "offsets that are behind the load" });
  const all = () => { view.all = !view.all; again(); };
  const missingRight = told.hidden?.length && window ? note(`You may not read ${told.hidden.join(" and ")}.`) : null;
  show(root, heading(told, where, links), verdict(shown, bar), missingRight, window ? [
    numbers(told),
    section(receipt ? "What became of each offset" : "The offsets of this window",
      partitionBars(window, {
        counts: receipt?.partitions, passed: progress?.partitions, named: namedIn(told), all: view.all, onAll: all,
      })),
    time(receipt),
    neighbours(window, loads, links),
    details(told),
    forgetting(told),
  ] : null);
}

/** The partitions that the error is about. */
function namedIn({ window, why }) {
  const text = why ? why.lines.join("\n") : "";
  return new Set(partitionsOf(window).filter((each) => text.includes(`${window.topic}[${each}]`)));
}

function refused(root, error) {
  const forbidden = error instanceof Refused && error.isForbidden;
  show(root, verdict(forbidden
    ? {
      tone: "idle",
      title: error.status === 401 ? "Log in to Airflow first" : "You may not see this task",
      means: [error.status === 401
        ? "Airflow does not know who you are: open its start page, log in, and load this page again."
        : "It needs the right to read the DAG's runs and task instances. Whoever administers Airflow gives it."],
    }
    : { tone: "idle", title: "Airflow did not answer", means: [`${error.message}. This page asks again.`] }));
  return !forbidden;
}

/** Asks for everything and draws it; returns whether to ask again soon. */
export async function showTask(root, ask, where, links, view = {}) {
  let told;
  try {
    told = await askTask(ask, where);
  } catch (error) {
    return refused(root, error);
  }
  const draw = () => drawTask(root, told, where, links, view.loads, view, draw);
  draw();
  if (told.window && view.loads === undefined) {
    view.loads = await askNeighbours(ask, where);
    draw();
  }
  return moves(told);
}

/** The loads of the same task; null where the viewer may not see them. */
async function askNeighbours(ask, { dagId, taskId }) {
  const loads = new Loads(ask, { source_dag_id: dagId, source_task_id: taskId });
  try {
    await loads.until(MOST_EVENTS);
  } catch {
    return null;
  }
  return distinct(loads.found);
}
