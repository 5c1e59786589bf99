// The lists of the first page: tables, statements, uploads, requests.

import { el, grid } from "./dom.js";
import { bytes, count, duration, number } from "./words.js";

/** How long a statement took; instances know whole seconds, as on the service. */
export const lasted = (seconds) => (seconds < 1 ? "< 1 s" : duration(seconds));

const time = (seconds) => `${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;

export const ago = (seconds, now) => el("span", { title: time(seconds) }, `${duration(Math.max(0, now - seconds))} ago`);

export const tableLink = (full, name = full) => el("a", { href: `#table=${encodeURIComponent(full)}` }, name);

const TONES = { Success: "good", Failed: "bad", Cancelled: "bad", Running: "busy", closed: "good", expired: "bad" };

const state = (word) => el("td", { class: "state" }, word);

/** A value of a row; NULL is not the text "NULL". */
export const cell = (value) => el("td", { class: "value" }, value ?? el("span", { class: "null" }, "NULL"));

export function tableList(tables, now, filter) {
  const wanted = filter.trim().toLowerCase();
  const shown = tables.filter((each) => each.full.includes(wanted) || each.name.includes(wanted));
  const rows = shown.slice(0, 100).map((each) => el("tr", {},
    el("td", { class: "name" }, tableLink(each.full, each.name), each.comment ? el("div", { class: "note" }, each.comment) : null),
    el("td", { class: "number" }, each.kind === "view" ? "view" : number(each.rows)),
    el("td", { class: "number" }, each.partitions === null ? "" : number(each.partitions)),
    el("td", { class: "number" }, each.bytes === null ? "" : bytes(each.bytes)),
    el("td", {}, ago(each.changed, now))));
  if (!rows.length) return el("p", { class: "note" }, tables.length ? "No table has this in its name." : "There is no table yet.");
  const more = shown.length > rows.length ? el("p", { class: "note" }, `${number(shown.length - rows.length)} more: filter by name.`) : null;
  return [grid("Tables", ["table", "rows", "partitions", "size", "changed"], rows, "", ["rows", "partitions", "size"]), more];
}

export function statementList(statements, now, onShow) {
  const rows = statements.map((each) => el("tr", { class: TONES[each.status] },
    state(each.status),
    el("td", { class: "name" }, el("span", { class: "query" }, each.query),
      each.failure ? el("div", { class: "bad state" }, each.failure) : null),
    el("td", { class: "number" }, each.rows ?? (each.written === null ? "" : `${number(each.written)} written`)),
    el("td", { class: "number" }, each.seconds === null ? "" : lasted(each.seconds)),
    el("td", {}, ago(each.started, now)),
    el("td", {}, el("button", { type: "button", id: `show-${each.id}`, click: () => onShow(each.id) }, "show")),
    el("td", { class: "id" }, each.id)));
  const heads = ["status", "statement", "rows", "took", "started", "", "instance"];
  return rows.length ? grid("Statements", heads, rows, "", ["rows", "took"]) : el("p", { class: "note" }, "None has run yet.");
}

export function uploadList(uploads, now) {
  const rows = uploads.map((each) => el("tr", { class: TONES[each.status] },
    state(each.status),
    el("td", { class: "name" }, tableLink(each.full, each.table), each.partition ? ` ${each.partition}` : ""),
    el("td", {}, each.mode),
    el("td", { class: "number" }, number(each.rows)),
    el("td", { class: "number" }, number(each.blocks)),
    el("td", {}, ago(each.created, now)),
    el("td", { class: "id" }, each.id)));
  const heads = ["status", "table", "mode", "rows", "blocks", "created", "upload"];
  return rows.length ? grid("Upload sessions", heads, rows, "", ["rows", "blocks"]) : el("p", { class: "note" }, "There is none.");
}

export function requestList(requests, faults, onBreak) {
  const told = new Map(faults.map(({ rule }) => [rule.number, `${rule.number}: ${rule.fault.kind}`]));
  const rows = requests.map((each) => {
    const wrong = each.status === null || each.status >= 400 || each.faults.length > 0;
    const fired = each.faults.map((fault) => told.get(fault) ?? `${fault}: cleared since`).join(", ");
    return el("tr", { class: wrong ? "bad" : null },
      el("td", { class: "number" }, each.number),
      el("td", {}, each.operation),
      el("td", { class: "state" }, each.status ?? "no answer", fired ? ` (fault ${fired})` : ""),
      el("td", { class: "number" }, `${number(each.seconds * 1000)} ms`),
      el("td", {}, el("button", { type: "button", title: `Refuse the next ${each.operation} with 503`,
        id: `break-${each.number}`, click: () => onBreak(each.operation) }, "break the next")),
      el("td", { class: "name" }, el("span", { class: "query" }, each.request)));
  });
  const heads = ["#", "operation", "answer", "took", "", "request"];
  return rows.length ? grid("Requests", heads, rows, "", ["#", "took"]) : el("p", { class: "note" }, "None has come yet.");
}

export function rowGrid(label, columns, rows) {
  return grid(label, columns.map((each) => each.name), rows.map((row) => el("tr", {}, row.map(cell))));
}

export const counted = (counts) => [
  count(counts.tables, "table"), count(counts.rows, "row"), bytes(counts.bytes), count(counts.schemas, "schema"),
].join(", ");
