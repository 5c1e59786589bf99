// The tables that are loaded: assets with our scheme, and those of which an event has a window.

import { listed } from "./asking.js";
import { Loads } from "./loads.js";

const MOST_EVENTS = 300;

export async function askTables(ask) {
  const newest = new Loads(ask, {});
  const [assets] = await Promise.all([
    listed(ask, "assets", "assets", { uri_pattern: "maxcompute://", order_by: "uri" }, 500),
    newest.until(MOST_EVENTS),
  ]);
  const tables = new Map(assets.map((each) => [each.id, {
    assetId: each.id,
    uri: each.uri ?? each.name,
    at: each.last_asset_event?.timestamp ?? null,
    dags: new Set((each.producing_tasks ?? []).map((task) => task.dag_id)),
    topics: new Set(),
  }]));
  for (const load of newest.found) {
    const { assetId, uri } = load;
    if (!tables.has(assetId)) tables.set(assetId, { assetId, uri, at: load.at, dags: new Set(), topics: new Set() });
    const table = tables.get(assetId);
    table.topics.add(load.window.topic);
    if (load.dagId) table.dags.add(load.dagId);
    table.newest ??= load;
  }
  return [...tables.values()].sort((a, b) => String(b.at ?? "").localeCompare(String(a.at ?? "")));
}

/** The instants that are remembered for a table: cuts, from the state store of its asset. */
export async function askCuts(ask, assetId) {
  const entries = await listed(ask, `assets/${assetId}/state-store`, "asset_state_store", {}, 500);
  return entries.filter((each) => each.key.startsWith("cut:") && each.value?.offsets).map((each) => {
    const [, instant, side] = /(\d{4}-\d\d-\d\dT[^:]+:[^:]+:[^:]+):(start|end)$/.exec(each.key) ?? [];
    return { key: each.key, instant, side, offsets: each.value.offsets, runId: each.value.run_id, at: each.updated_at };
  });
}
