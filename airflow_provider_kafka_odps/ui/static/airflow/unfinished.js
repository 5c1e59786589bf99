// Loads that are not done: they run, wait, or have failed; an asset has no event of them.

import { allowed, enc, listed } from "./asking.js";
import { taskPath, windowOf } from "./task.js";

const STATES = ["running", "queued", "scheduled", "up_for_retry", "failed"];
const OPERATOR = "KafkaToMaxComputeOperator";

/** How many of them are looked into, the newest of each DAG: each costs a question. */
const MOST = 30;

/** Returns those of one DAG: with their window where one was planned. `tasks` are known to load. */
export async function askUnfinished(ask, dagId, tasks) {
  const instances = await allowed(
    listed(ask, `dags/${enc(dagId)}/dagRuns/~/taskInstances`, "task_instances",
      { state: STATES, order_by: "-run_after" }, 100),
    [],
  );
  const loads = instances.filter((each) => tasks.has(each.task_id)
    || each.operator_name === OPERATOR || each.operator === OPERATOR).slice(0, MOST);
  return Promise.all(loads.map((each) => withWindow(ask, each)));
}

async function withWindow(ask, instance) {
  const place = {
    dagId: instance.dag_id, runId: instance.dag_run_id, taskId: instance.task_id, mapIndex: instance.map_index ?? -1,
  };
  const path = `${taskPath(place)}/state-store/kafka_to_maxcompute`;
  const journal = (await allowed(ask(path, { map_index: place.mapIndex }), null))?.value ?? null;
  return {
    ...place,
    state: instance.state === "failed" ? "failed" : "running",
    says: instance.state,
    window: windowOf(journal?.window),
    table: journal?.table ?? null,
    phase: journal?.phase ?? null,
    at: instance.end_date ?? instance.start_date ?? instance.run_after,
  };
}
