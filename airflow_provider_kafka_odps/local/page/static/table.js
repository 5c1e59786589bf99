// One table: its columns, partitions and newest rows, and the statement that makes it.

import { el, fold, grid } from "./dom.js";
import { ago, rowGrid } from "./lists.js";
import { fact, facts, note, section } from "./parts.js";
import { bytes, number } from "./words.js";

function columnGrid(told) {
  const rows = [...told.columns.map((each) => [each, each.nullable]), ...told.partition_columns.map((each) => [each, "partition"])]
    .map(([each, kind]) => el("tr", {}, el("td", { class: "name" }, each.name), el("td", { class: "name" }, each.type),
      el("td", {}, kind), el("td", { class: "name" }, each.comment)));
  return grid("Columns", ["column", "type", "", "comment"], rows);
}

function partitionGrid(told, now) {
  const rows = told.listed.map((each) => el("tr", {}, el("td", { class: "name" }, each.name),
    el("td", { class: "number" }, number(each.rows)), el("td", { class: "number" }, bytes(each.bytes)),
    el("td", {}, ago(each.modified, now))));
  return grid("Partitions", ["partition", "rows", "size", "changed"], rows, "", ["rows", "size"]);
}

const quoted = (full) => full.split(".").map((part) => `\`${part}\``).join(".");

export function tablePage(told, now, onSql) {
  const every = [...told.columns, ...told.partition_columns];
  const select = () => onSql(`SELECT * FROM ${quoted(told.in_sql)} LIMIT 100`);
  const latest = told.kind === "view"
    ? note("A view has no rows of its own: select from it.")
    : told.latest.length ? rowGrid("Newest rows", every, told.latest) : note("It has no row.");
  return [
    el("p", {}, el("a", { href: "#", id: "back" }, "All tables")),
    el("h1", {}, told.name),
    told.comment ? el("p", {}, told.comment) : null,
    facts(
      fact("rows", told.rows === null ? null : number(told.rows)), fact("size", told.bytes === null ? null : bytes(told.bytes)),
      fact("partitions", told.partitions === null ? null : number(told.partitions)),
      fact("lifecycle", told.lifecycle > 0 ? `${told.lifecycle} days` : null), fact("owner", told.owner),
    ),
    el("button", { type: "button", id: "select", click: select }, "SELECT * …"),
    section("Newest rows", latest),
    section("Columns", columnGrid(told)),
    told.partitions === null ? null : section("Partitions, the newest first", told.listed.length ? partitionGrid(told, now) : note("There is none.")),
    fold("definition", "The statement that makes it", el("pre", {}, told.definition)),
  ];
}
