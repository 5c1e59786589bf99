// What Airflow knows of one task instance and its window.

import { unbroken } from "../model/lines.js";
import { allowed, enc, HIDDEN } from "./asking.js";

const JOURNAL = "kafka_to_maxcompute";
const FAILED = ["failed", "up_for_retry"];

export const taskPath = ({ dagId, runId, taskId }) =>
  `dags/${enc(dagId)}/dagRuns/${enc(runId)}/taskInstances/${enc(taskId)}`;

const object = (value) => (value !== null && typeof value === "object" && !Array.isArray(value) ? value : null);

/** A window as it is written; a value that is kept elsewhere is only referred to, and is none. */
export const windowOf = (value) => (object(object(value)?.partitions) ? value : null);

/** All that is known of a task instance's window; what the viewer may not read is left out, and named. */
export async function askTask(ask, where) {
  const path = taskPath(where);
  const [mapped, hidden] = [{ map_index: where.mapIndex }, []];
  const may = async (name, asked) => {
    const answer = await allowed(asked, HIDDEN);
    if (answer === HIDDEN) hidden.push(name);
    return answer?.value ?? null;
  };
  const instance = await ask(where.mapIndex >= 0 ? `${path}/${where.mapIndex}` : path);
  if (instance === null) return { instance, hidden };
  const [journal, progress, window, receipt] = await Promise.all([
    may("the task's state store", ask(`${path}/state-store/${JOURNAL}`, mapped)),
    may("the task's state store", ask(`${path}/state-store/progress`, mapped)),
    may("XCom", ask(`${path}/xcomEntries/window`, { ...mapped, deserialize: true })),
    may("XCom", ask(`${path}/xcomEntries/return_value`, { ...mapped, deserialize: true })),
  ]);
  return {
    instance,
    ...told(object(journal), object(progress), window, object(receipt)),
    ...(FAILED.includes(instance.state) ? await askWhy(ask, path, where, instance) : {}),
    hidden: [...new Set(hidden)].sort(),
  };
}

/** Puts together what the journal, the progress and XCom say: of a custom backend, only some of them are here. */
function told(journal, progress, window, receipt) {
  const its = windowOf(journal?.window) ?? windowOf(receipt?.window) ?? windowOf(window);
  const loaded = receipt?.version && receipt.partitions ? receipt : null;
  const proved = journal?.phase === "committed" && journal.receipt ? journal.receipt : null;
  return {
    journal: journal?.phase ? journal : null,
    window: its,
    // What is committed; XCom has it with what was found out after the commit.
    receipt: loaded ?? proved,
    // Of a load that was not committed: nobody sees its rows.
    written: !loaded && !proved ? journal?.receipt ?? null : null,
    progress: progress?.upload_id && progress.upload_id === journal?.upload_id ? progress : null,
    elsewhere: Boolean(journal && !journal.phase),
  };
}

/** Why the last try has failed, from its log: the last error in it. */
async function askWhy(ask, path, where, instance) {
  const tries = Math.max(1, instance.try_number ?? 1);
  let log;
  try {
    log = await allowed(ask(`${path}/logs/${tries}`, { map_index: where.mapIndex, full_content: true }), HIDDEN);
  } catch {
    // It may be gone with the machine that has written it.
    return { why: null, whyHidden: "the log of the try cannot be read" };
  }
  if (log === HIDDEN) return { why: null, whyHidden: "the log, which you may not read" };
  return { why: errorIn(log?.content), whyHidden: null };
}

/** The last error among the events of a log: its class, and its lines; null: there is none. */
export function errorIn(content) {
  for (const event of Array.isArray(content) ? content.toReversed() : []) {
    const error = Array.isArray(event.error_detail) ? event.error_detail[0] : null;
    if (error?.exc_value === undefined) continue;
    const text = String(error.exc_value).trim();
    // An error that no retry mends is Airflow's own, with ours in its text.
    const named = error.exc_type === "AirflowFailException" ? /^([A-Z]\w+): /.exec(text) : null;
    const said = text.slice(named ? named[0].length : 0);
    const taken = `${error.exc_type}: ${named ? named[0] : ""}`.length;
    const lines = unbroken(said, taken);
    return { name: named ? named[1] : String(error.exc_type), lines: lines.length ? lines : ["It says no more."] };
  }
  return null;
}
