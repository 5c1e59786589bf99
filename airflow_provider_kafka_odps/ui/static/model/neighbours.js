// Which windows lie beside one, and whether they meet it.

import { spanOf } from "../draw/words.js";

const mid = (window, partitions) =>
  partitions.reduce((sum, each) => sum + window.partitions[each][0] + window.partitions[each][1], 0);

function shared(one, two) {
  return Object.keys(one.partitions).filter((each) => each in two.partitions);
}

/** How a window and a later one meet: offsets between them, and offsets in both. */
export function gapBetween(before, after) {
  let [hole, overlap] = [0, 0];
  for (const each of shared(before, after)) {
    const difference = after.partitions[each][0] - before.partitions[each][1];
    if (difference > 0) hole += difference;
    else overlap += Math.min(-difference, spanOf(after.partitions[each]), spanOf(before.partitions[each]));
  }
  return { hole, overlap };
}

/**
 * The loads before and after a window, by offsets, among those of the same topic.
 * `loads` have a window each; a load of this very window is none of them.
 */
export function neighboursOf(window, loads) {
  const same = JSON.stringify(window.partitions);
  const others = loads.filter((load) => load.window.topic === window.topic
    && load.window.cluster_id === window.cluster_id && load.window.topic_id === window.topic_id
    && JSON.stringify(load.window.partitions) !== same && shared(load.window, window).length);
  let [before, after] = [null, null];
  for (const load of others) {
    const partitions = shared(load.window, window);
    const distance = mid(load.window, partitions) - mid(window, partitions);
    if (distance < 0 && (!before || distance > before.distance)) before = { ...load, distance };
    if (distance > 0 && (!after || distance < after.distance)) after = { ...load, distance };
  }
  return {
    before: before && { ...before, gap: gapBetween(before.window, window) },
    after: after && { ...after, gap: gapBetween(window, after.window) },
  };
}
