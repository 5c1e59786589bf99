// Loads in groups that can be held against each other: one table, one topic, as long as it was the same topic.

import { grouped, inOrder, lagOf, nameOf, partitionsIn, problemsOf } from "./tiling.js";

const keyOf = ({ uri, window }) => [uri, window.cluster_id, window.topic, window.topic_id].join("\n");

/** Returns the groups, that of the newest load first; each with its unfinished loads, and what is wrong. */
export function groupsOf(loads, unfinished) {
  const groups = new Map();
  for (const load of loads) {
    const key = keyOf(load);
    const { uri, assetId, window: { topic } } = load;
    if (!groups.has(key)) groups.set(key, { topic, uri, assetId, loads: [] });
    groups.get(key).loads.push(load);
  }
  const known = new Map();
  for (const load of loads) known.set([load.dagId, load.taskId, load.window.topic].join("\n"), keyOf(load));
  const alone = [];
  for (const each of unfinished) {
    const key = each.window && known.get([each.dagId, each.taskId, each.window.topic].join("\n"));
    const group = key ? groups.get(key) : null;
    if (group) (group.unfinished ??= []).push(each);
    else alone.push(each);
  }
  return { groups: [...groups.values()].map(described), alone };
}

function described(group) {
  const unfinished = (group.unfinished ?? []).filter((each) => !isLoaded(group.loads, each));
  const columns = inOrder([...group.loads, ...unfinished]);
  const problems = problemsOf(group.loads);
  return {
    ...group, unfinished, columns, problems,
    partitions: partitionsIn(columns),
    found: grouped(problems).map((each) => ({ ...each, because: unfinished.find((load) => fills(load, each)) })),
    lag: lagOf(group.loads),
  };
}

/** A task that was loaded once and failed later has an event and a state: its rows are there. */
function isLoaded(loads, { window, ...its }) {
  return loads.some((load) => nameOf(load) === nameOf(its)
    && JSON.stringify(load.window.partitions) === JSON.stringify(window.partitions));
}

function fills({ window }, { kind, ranges }) {
  return kind === "hole" && ranges.some(({ partition, range: [start, end] }) => {
    const its = window.partitions[partition];
    return its && its[0] < end && start < its[1];
  });
}
