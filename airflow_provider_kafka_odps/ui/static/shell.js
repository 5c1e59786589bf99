// What the pages share that are shown by Airflow: who looks at what, in which colours, and how to get elsewhere.

import { enc } from "./airflow/asking.js";

const query = new URLSearchParams(location.search);

/** A name from the address; of a task that is not mapped, Airflow leaves the placeholder `{MAP_INDEX}` as it is. */
function known(name) {
  const value = query.get(name);
  return value && !/^\{[A-Z_]+\}$/.test(value) ? value : undefined;
}

function index(text) {
  return /^\d+$/.test(text ?? "") ? Number(text) : -1;
}

export const where = {
  dagId: known("dag_id"),
  runId: known("run_id"),
  taskId: known("task_id"),
  mapIndex: index(known("map_index")),
  assetId: /^\d+$/.test(known("asset_id") ?? "") ? known("asset_id") : undefined,
};

/** Airflow's root, also where it is below a path. */
export const base = new URL("..", location.href);

export const root = document.querySelector("#root");

/** Takes over the colours that the viewer has chosen in the page around this one, and follows them. */
function followTheme() {
  if (parent === window) return;
  try {
    const outer = parent.document.documentElement;
    const follow = () => {
      const chosen = ["dark", "light"].find((each) => outer.classList.contains(each));
      if (chosen) document.documentElement.dataset.theme = chosen;
    };
    new MutationObserver(follow).observe(outer, { attributes: true, attributeFilter: ["class"] });
    follow();
  } catch {
    // Framed by a stranger, whom the policy keeps out anyway.
  }
}

followTheme();

/** Where Airflow shows a task instance. */
export function taskPlace({ dagId, runId, taskId, mapIndex = -1 }) {
  const mapped = mapIndex >= 0 ? `/mapped/${mapIndex}` : "";
  return new URL(`dags/${enc(dagId)}/runs/${enc(runId)}/tasks/${enc(taskId)}${mapped}`, base).href;
}

/** This package's page of a task instance. */
export function windowPlace({ dagId, runId, taskId, mapIndex = -1 }) {
  const address = new URLSearchParams({ dag_id: dagId, run_id: runId, task_id: taskId });
  if (mapIndex >= 0) address.set("map_index", mapIndex);
  return new URL(`task.html?${address}`, location.href).href;
}

/** This package's page of the windows of a DAG, or of a table. */
export function windowsPlace({ dagId, assetId }) {
  const asked = assetId !== undefined ? { asset_id: assetId } : dagId !== undefined ? { dag_id: dagId } : {};
  const address = new URLSearchParams(asked);
  return new URL(`windows.html?${address}`, location.href).href;
}

/**
 * Has a link to a page of Airflow lead the page around this one there: Airflow's frame lets none of its links do that.
 * A link that is opened in a new tab is not touched.
 */
export function leadOutside(link) {
  link.addEventListener("click", (event) => {
    if (parent === window || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    const outer = parent.document.createElement("a");
    outer.href = link.href;
    parent.document.body.append(outer);
    outer.click();
    outer.remove();
  });
  return link;
}
