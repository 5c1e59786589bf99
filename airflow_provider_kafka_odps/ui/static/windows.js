// The page of windows, as Airflow shows it: of a DAG, of a table, or the list of all tables.

import { asker } from "./airflow/asking.js";
import { el } from "./draw/dom.js";
import { showTables } from "./pages/tables.js";
import { showWindows } from "./pages/windows.js";
import { base, leadOutside, root, taskPlace, where, windowPlace, windowsPlace } from "./shell.js";

const links = {
  task: taskPlace,
  window: windowPlace,
  windows: windowsPlace,
  lead: leadOutside,
  go: (address) => location.assign(address),
  home: () => el("p", { class: "where" }, el("a", { href: windowsPlace({}) }, "All tables"),
    where.dagId ? ` \u00b7 windows of DAG ${where.dagId}` : null),
};

if (where.dagId || where.assetId) await showWindows(root, asker(base), where, links);
else await showTables(root, asker(base), links);
