// Loads that are done, from the events of their tables' assets.

import { PAGE } from "./asking.js";
import { windowOf } from "./task.js";

/** A load from an event; null: the event is not one of ours. */
export function loadOf(event) {
  const window = windowOf(event.extra?.window);
  if (window === null) return null;
  const { rows, filtered, rejects, late, missing, bytes, mode, partition, upload_id: uploadId } = event.extra;
  return {
    window,
    rows, filtered, rejects, late, missing, bytes, mode, partition, uploadId,
    logEnd: event.extra.log_end ?? window.log_end ?? null,
    assetId: event.asset_id,
    uri: event.uri ?? event.name ?? `asset ${event.asset_id}`,
    dagId: event.source_dag_id,
    runId: event.source_run_id,
    taskId: event.source_task_id,
    mapIndex: event.source_map_index ?? -1,
    at: event.timestamp,
    state: "loaded",
  };
}

/** The newest events, page by page: `more` asks for the next one, until there is none. */
export class Loads {
  constructor(ask, query) {
    this.ask = ask;
    this.query = query;
    this.found = [];
    this.seen = 0;
    this.total = null;
  }

  get isComplete() {
    return this.total !== null && this.seen >= this.total;
  }

  async more() {
    const page = await this.ask("assets/events", {
      ...this.query, order_by: "-timestamp", limit: PAGE, offset: this.seen,
    });
    const events = page?.asset_events ?? [];
    this.seen += events.length;
    this.total = events.length ? page.total_entries : this.seen;
    for (const event of events) {
      const load = loadOf(event);
      if (load) this.found.push(load);
    }
  }

  /** Asks on until so many events are here, or all. */
  async until(most) {
    while (!this.isComplete && this.seen < most) await this.more();
  }
}

/** One load per window: of the same one, the newest event counts; a task that was cleared has several of them. */
export function distinct(loads) {
  const [uploads, windows] = [new Set(), new Set()];
  return loads.filter((load) => {
    const partitions = JSON.stringify(load.window.partitions);
    const { topic_id: topicId, planned_at: plannedAt } = load.window;
    const its = [load.uri, load.dagId, load.taskId, load.mapIndex, topicId, plannedAt, partitions].join("\n");
    if ((load.uploadId && uploads.has(load.uploadId)) || windows.has(its)) return false;
    if (load.uploadId) uploads.add(load.uploadId);
    windows.add(its);
    return true;
  });
}
