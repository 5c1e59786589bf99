// The page of a task instance, as Airflow shows it. It asks again as long as something moves.

import { asker } from "./airflow/asking.js";
import { el, show } from "./draw/dom.js";
import { note } from "./draw/parts.js";
import { showTask } from "./pages/task.js";
import { base, leadOutside, root, taskPlace, where, windowPlace, windowsPlace } from "./shell.js";

const SECONDS = 5;
const links = { task: taskPlace, window: windowPlace, windows: windowsPlace, lead: leadOutside };

/** Waits; a page that nobody sees does not ask. */
async function pause() {
  await new Promise((done) => setTimeout(done, SECONDS * 1000));
  if (document.hidden) await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
}

if (where.dagId && where.runId && where.taskId) {
  const view = {};
  const look = async () => {
    const again = await showTask(root, asker(base), where, links, view);
    root.dataset.asksAgain = String(again);
    return again;
  };
  while (await look()) await pause();
} else {
  show(root, note("Which task? This page is opened from a task instance: by its tab or its link “Kafka window”."),
    el("p", {}, el("a", { href: windowsPlace({}) }, "All tables that are loaded from Kafka")));
}
