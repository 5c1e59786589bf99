// The page of the endpoint: it asks every two seconds what is new, as long as somebody looks.

import * as ask from "./asking.js";
import { connectLines } from "./connect.js";
import { el, fold, show } from "./dom.js";
import { FIRST, faultForm, faultList } from "./faults.js";
import { counted, requestList, statementList, tableList, uploadList } from "./lists.js";
import { note, section } from "./parts.js";
import { SqlBox } from "./sql.js";
import { tablePage } from "./table.js";

const EVERY = 2000;

const root = document.querySelector("#root");
const address = location.origin;
const sql = new SqlBox(() => refresh());
const filter = el("input", { id: "filter", type: "search", placeholder: "filter by name", "aria-label": "Filter tables",
  input: () => drawTables() });
const places = Object.fromEntries(["head", "table", "tables", "statements", "uploads", "requests", "faults"]
  .map((name) => [name, el("div", { id: `part-${name}` })]));
let seen = null;
let form = null;

const wanted = () => {
  const name = new URLSearchParams(location.hash.slice(1)).get("table");
  return name || null;
};

function drawTables() {
  if (seen) show(places.tables, tableList(seen.tables, seen.now, filter.value));
}

function head({ endpoint, counts }) {
  document.title = `${endpoint.project} · MaxCompute endpoint`;
  return [
    el("h1", {}, `MaxCompute endpoint · project ${endpoint.project}`),
    el("p", { class: "where" }, counted(counts), " · data in ", el("code", {}, endpoint.data),
      ` · version ${endpoint.version} · SQL by the clock of ${endpoint.timezone}`,
      endpoint.strict_limits ? " · the service's limits are enforced" : "",
      endpoint.schemas ? "" : " · names have no schemas"),
  ];
}

async function setFault(rule) {
  try {
    await ask.setFault(rule);
  } catch (reason) {
    trouble(reason);
  }
  await refresh();
}

const breakNext = (operation) => setFault({ operation, fault: FIRST });

async function clearFaults() {
  try {
    await ask.clearFaults();
  } catch (reason) {
    trouble(reason);
  }
  await refresh();
}

function build(told) {
  form = faultForm(told.operations, setFault);
  show(root,
    places.head,
    el("nav", { "aria-label": "Parts of this page" }, [["sql-part", "SQL"], ["tables-part", "tables"], ["statements-part", "statements"],
      ["uploads-part", "uploads"], ["requests-part", "requests and faults"], ["connect", "how to connect"]]
      .map(([id, name]) => el("a", { href: `#${id}`, click: (event) => { event.preventDefault(); document.getElementById(id)?.scrollIntoView(); } }, name))),
    el("p", { id: "trouble", class: "state bad", role: "alert" }),
    fold("connect", "How to connect", connectLines(told.endpoint, address)),
    part("sql-part", "SQL", sql.node),
    places.table,
    part("tables-part", "Tables, the newest first", filter, places.tables),
    part("statements-part", "Statements", places.statements),
    part("uploads-part", "Upload sessions", places.uploads),
    part("requests-part", "Requests and faults", form, places.faults, places.requests));
  if (!told.counts.tables) document.getElementById("connect").open = true;
}

function part(id, title, ...children) {
  const made = section(title, ...children);
  made.id = id;
  return made;
}

function trouble(reason) {
  const place = document.getElementById("trouble");
  if (place) place.textContent = reason ? reason.message : "";
  else show(root, el("p", { class: "state bad", role: "alert" }, reason.message), note("The page asks again every two seconds."));
}

async function drawTable() {
  const full = wanted();
  if (!full) {
    show(places.table);
    return;
  }
  try {
    const told = await ask.table(full);
    if (wanted() === full) show(places.table, el("section", { class: "verdict idle", "aria-label": told.name }, tablePage(told, seen.now, (text) => sql.put(text))));
  } catch (reason) {
    show(places.table, el("p", { class: "state bad" }, reason.message, " ", el("a", { href: "#" }, "All tables")));
  }
}

function open(id) {
  sql.follow(id).catch(trouble);
  document.getElementById("sql-part").scrollIntoView();
}

async function refresh() {
  try {
    const told = await ask.overview();
    const first = seen === null;
    seen = told;
    if (first) build(told);
    trouble(null);
    // Somebody is about to copy something: it must not change under the mouse.
    if (!first && !getSelection().isCollapsed) return;
    show(places.head, head(told));
    drawTables();
    show(places.statements, statementList(told.statements, told.now, open));
    show(places.uploads, uploadList(told.uploads, told.now));
    show(places.faults, faultList(told.faults, clearFaults));
    show(places.requests, requestList(told.requests, told.faults, breakNext));
    await drawTable();
  } catch (reason) {
    trouble(reason instanceof TypeError ? new Error("The endpoint does not answer: is it still running?") : reason);
  }
}

addEventListener("hashchange", () => drawTable().then(() => {
  if (wanted()) places.table.scrollIntoView();
}));

async function keepLooking() {
  for (;;) {
    if (document.visibilityState === "visible") await refresh();
    await new Promise((done) => setTimeout(done, EVERY));
  }
}

keepLooking();
