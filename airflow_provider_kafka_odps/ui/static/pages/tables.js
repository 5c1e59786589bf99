// The page of all tables that are loaded from Kafka, as far as the viewer may see them.

import { askTables } from "../airflow/tables.js";
import { el, grid, show } from "../draw/dom.js";
import { verdict } from "../draw/parts.js";
import { ago, asked, count, instant } from "../draw/words.js";
import { refused } from "./windows.js";

export async function showTables(root, ask, links) {
  let tables;
  try {
    tables = await askTables(ask);
  } catch (error) {
    return refused(root, error);
  }
  if (!tables.length) {
    return show(root, verdict({
      tone: "idle",
      title: "No table is loaded from Kafka here yet",
      means: ["A table appears with the first DAG that has a KafkaToMaxComputeOperator."],
    }));
  }
  const now = Date.now();
  const rows = tables.map(({ assetId, uri, topics, dags, at, newest }) => el("tr", {},
    el("th", { scope: "row", class: "name" }, el("a", { href: links.windows({ assetId }) }, uri)),
    el("td", { class: "name" }, [...topics].join(", ")),
    el("td", { title: at ? instant(at) : null }, at ? ago(at, now) : "never"),
    el("td", {}, newest ? `${asked(newest.window)}, ${count(newest.rows ?? 0, "row")}` : ""),
    el("td", { class: "name" }, [...dags].map((dagId, index) => [index ? ", " : "",
      el("a", { href: links.windows({ dagId }) }, dagId)]).flat())));
  return show(root, el("h1", {}, "Kafka to MaxCompute"),
    el("p", { class: "note" }, `${count(tables.length, "table")}. Open one to see whether its windows tile the log.`),
    grid("Tables that are loaded from Kafka", ["table", "topics", "last load", "its window", "DAGs"], rows));
}
