// The page of windows: of a DAG, or of a table. Do they tile the log, and what does not?

import { allowed, Refused } from "../airflow/asking.js";
import { distinct, Loads } from "../airflow/loads.js";
import { askCuts } from "../airflow/tables.js";
import { askUnfinished } from "../airflow/unfinished.js";
import { el, fold, grid, show } from "../draw/dom.js";
import { windowMap } from "../draw/map.js";
import { fact, facts, note, section, verdict } from "../draw/parts.js";
import { ago, asked, count, instant, number, range } from "../draw/words.js";
import { groupsOf } from "../model/groups.js";
import { nameOf } from "../model/tiling.js";
import { windowsVerdict } from "../model/windows_verdict.js";

const FIRST_EVENTS = 300;
const MORE_EVENTS = 1000;
export const MOST_EVENTS = 5000;
const MOST_DAGS = 10;
const ROWS = 25;
const MOST_PROBLEMS = 10;
const MOST_PARTITIONS = 64;
const WIDTHS = [24, 100, 500];

const LEGEND = {
  rows: "loaded; the stronger the colour, the more offsets",
  hole: "offsets before it are in no window",
  overlap: "in two windows",
  failed: "failed",
  running: "running or waiting",
  empty: "no offsets",
  lag: "not in a window yet, when last seen",
};

/** A range of each partition that a problem has; of many, the first ones. */
function rangesOf({ ranges }, topic) {
  const first = ranges.slice(0, 3).map((each) => range(topic, each.partition, each.range)).join(", ");
  return ranges.length > 3 ? `${first}, and ${count(ranges.length - 3, "partition")} more` : first;
}

function problem(found, topic, links) {
  const link = (load) => el("a", { href: links.window(load) }, asked(load.window));
  const where = rangesOf(found, topic);
  if (found.kind === "overlap") {
    return el("li", {}, el("b", {}, `${count(found.offsets, "offset")} in two windows: `), link(found.before), " and ",
      link(found.load), `. ${where}`);
  }
  const because = found.because
    ? [" Run ", el("a", { href: links.window(found.because) }, found.because.runId),
      found.because.state === "failed" ? " has failed there." : " is about to load them."]
    : " No run that Airflow still knows has them.";
  return el("li", {}, el("b", {}, `${count(found.offsets, "offset")} in no window: `), "between ", link(found.before),
    " and ", link(found.load), `. ${where}.`, because);
}

function problems({ found, topic }, links) {
  if (!found.length) return null;
  const more = found.length > MOST_PROBLEMS ? note(`and ${number(found.length - MOST_PROBLEMS)} more`) : null;
  return section("What is wrong",
    el("ul", {}, found.slice(0, MOST_PROBLEMS).map((each) => problem(each, topic, links))), more);
}

function numbers({ loads, unfinished, found, lag }, now) {
  const sum = (name) => loads.reduce((all, load) => all + (load[name] ?? 0), 0);
  const some = (name, value, tone) => (value ? fact(name, number(value), { tone }) : null);
  const last = loads.map((load) => load.at).sort().at(-1);
  return facts(
    fact("windows", number(loads.length)), fact("rows", number(sum("rows"))),
    some("holes", found.filter((each) => each.kind === "hole").length, "bad"),
    some("overlaps", found.filter((each) => each.kind === "overlap").length, "doubt"),
    some("failed", unfinished.filter((each) => each.state === "failed").length, "bad"),
    some("running", unfinished.filter((each) => each.state === "running").length, "busy"),
    some("rejected", sum("rejects"), "warn"), some("late", sum("late")), some("lost", sum("missing"), "bad"),
    last ? fact("last load", ago(last, now), { title: instant(last) }) : null,
    lag ? fact(`in no window yet, seen ${instant(lag.at)}`, count(lag.offsets, "offset")) : null);
}

/** Which partitions the map has: all, or of very many those with problems and a page of the others. */
function chosen(group, view) {
  const { partitions, problems: wrong } = group;
  if (partitions.length <= MOST_PARTITIONS || view.everything) return partitions;
  const odd = new Set(wrong.map((each) => each.partition));
  const first = partitions.filter((each) => odd.has(each)).slice(0, MOST_PARTITIONS);
  const others = partitions.filter((each) => !first.includes(each)).slice(0, MOST_PARTITIONS - first.length);
  return [...first, ...others].sort((a, b) => a - b);
}

/** What the legend has to explain. */
function kindsIn({ loads, unfinished, problems: wrong, lag }) {
  const isEmpty = (load) => Object.values(load.window.partitions).some(([start, end]) => start === end);
  return new Set(["rows", ...wrong.map((each) => each.kind), ...unfinished.map((each) => each.state),
    ...(loads.some(isEmpty) ? ["empty"] : []), ...(lag?.offsets ? ["lag"] : [])]);
}

const nameOfEnd = (load) => asked(load.window);

function map(group, key, view, links, again) {
  const wide = view.wide ?? 100;
  const columns = group.columns.slice(-wide);
  const partitions = chosen(group, view);
  const { canvas, axis, said } = windowMap({
    id: `map-${key}`, topic: group.topic, columns, partitions, ends: [columns[0], columns.at(-1)].map(nameOfEnd),
    problems: group.problems, lag: group.lag && columns.includes(group.columns.at(-1)) ? group.lag : null,
    label: `Windows of ${group.topic}: ${count(columns.length, "column")}, ${count(partitions.length, "row")}`,
    open: (load) => links.go(links.window(load)),
  });
  const press = (text, set, pressed, id) => el("button", {
    type: "button", id: `${id}-${key}`, "aria-pressed": String(pressed), click: () => { set(); again(); },
  }, text);
  const whole = group.columns.length;
  const steps = whole > WIDTHS[0] ? [...WIDTHS.filter((each) => each < whole), Infinity] : [];
  const widths = steps.map((each) => press(each === Infinity ? `all ${number(whole)}` : `newest ${each}`,
    () => { view.wide = each; }, wide === each || (each === Infinity && wide >= whole), `wide-${each}`));
  const rows = group.partitions.length > MOST_PARTITIONS
    ? press(view.everything ? `first ${MOST_PARTITIONS} partitions` : `all ${group.partitions.length} partitions`,
      () => { view.everything = !view.everything; }, Boolean(view.everything), "rows")
    : null;
  const from = partitions.length > 1 ? `, ${partitions[0]} to ${partitions.at(-1)}` : "";
  const seen = kindsIn(group);
  return section(`Windows, the oldest on the left; a row for each partition${from}`,
    el("div", { class: "map" }, canvas, axis, said),
    el("ul", { class: "legend" }, Object.entries(LEGEND).filter(([kind]) => seen.has(kind)).map(([kind, text]) =>
      el("li", {}, el("i", { class: `swatch ${kind}`, "aria-hidden": "true" }), text))),
    el("div", { class: "controls" }, widths, rows));
}

const NUMBERS = ["rows", "rejected", "late", "lost"];
const TONES = { loaded: "good", failed: "bad", running: "busy" };

function list({ columns, found }, key, view, links, again) {
  const most = view.rows ?? ROWS;
  const wrong = new Set(found.flatMap((each) => [nameOf(each.load)]));
  const cell = (value) => el("td", { class: "number" }, value ? number(value) : value === 0 ? "0" : "");
  const rows = columns.toReversed().slice(0, most).map((load) => el("tr", {},
    el("th", { scope: "row" }, el("a", { href: links.window(load) }, asked(load.window))),
    el("td", { class: TONES[load.state] }, el("span", { class: "state" }, load.says ?? load.state),
      wrong.has(nameOf(load)) ? " (see above)" : ""),
    cell(load.rows), cell(load.rejects), cell(load.late), cell(load.missing),
    el("td", { class: "name" }, `${load.dagId} \u00b7 ${load.runId}`,
      load.mapIndex >= 0 ? ` [${load.mapIndex}]` : "")));
  return section("Each window, the newest first",
    grid("Each window", ["window", "state", ...NUMBERS, "run"], rows, "", NUMBERS),
    columns.length > most ? el("button", {
      type: "button", id: `more-${key}`, click: () => { view.rows = most + 4 * ROWS; again(); },
    }, `${number(columns.length - most)} more`) : null);
}

function cuts(key, known) {
  if (!known?.length) return null;
  const rows = known.toReversed().slice(0, 100).map((each) => el("tr", {},
    el("th", { scope: "row" }, each.instant ? `${instant(each.instant)}, as ${each.side} of a window` : each.key),
    el("td", { class: "name" }, Object.entries(each.offsets).slice(0, 20)
      .map(([partition, offset]) => `[${partition}] ${offset}`).join(", ")),
    el("td", { class: "name" }, each.runId ?? "")));
  return fold(`cuts-${key}`, `${count(known.length, "boundary instant")} remembered, with their offsets`,
    grid("Cuts", ["instant", "offsets", "of run"], rows));
}

function others(alone, links) {
  if (!alone.length) return null;
  return section("Not loaded, and of no window above", el("ul", {}, alone.slice(0, MOST_PROBLEMS).map((load) =>
    el("li", {}, el("a", { href: links.window(load) }, `${load.dagId} \u00b7 ${load.runId}`), ` is ${load.says}`,
      load.window ? `: ${asked(load.window)}` : ", and has planned no window"))));
}

function drawGroup(group, at, state, links, again, now) {
  const view = (state.views[at] ??= {});
  const shown = windowsVerdict(group, state.loads);
  return el("article", {},
    el("div", { class: "where" }, el("p", {}, el("b", {}, group.topic), " \u2192 ",
      el("a", { href: links.windows({ assetId: group.assetId }) }, group.uri))),
    verdict(shown), numbers(group, now), problems(group, links), map(group, at, view, links, again),
    list(group, at, view, links, again), cuts(at, state.cuts.get(group.assetId)));
}

function older({ loads, isAsking }, more) {
  if (loads.isComplete) return null;
  if (loads.seen >= MOST_EVENTS) return note(`Airflow has ${number(loads.total)} loads; the newest are shown.`);
  return el("p", {}, el("button", { type: "button", id: "older", disabled: isAsking, click: more },
    `Ask for older loads, too (${number(loads.seen)} of ${number(loads.total)} are here)`));
}

/** Draws what is known of the loads so far. */
function draw(root, state, links, more) {
  const { groups, alone } = groupsOf(distinct(state.loads.found), state.unfinished);
  const again = () => draw(root, state, links, more);
  const now = Date.now();
  if (!groups.length && !alone.length) {
    return show(root, verdict({
      tone: "idle",
      title: "No window of Kafka offsets has been loaded here",
      means: ["A window appears once a task of KafkaToMaxComputeOperator has succeeded: its table has an event then."],
    }), links.home());
  }
  return show(root, links.home(), groups.map((group, at) => drawGroup(group, at, state, links, again, now)),
    others(alone, links), older(state, more));
}

/** A hole between loads may be one that an older event fills: it is a hole when all events were asked for. */
function hasHoles({ loads }) {
  const { groups } = groupsOf(distinct(loads.found), []);
  return groups.some((group) => group.problems.some((each) => each.kind === "hole"));
}

async function gather(ask, where, state) {
  await state.loads.until(FIRST_EVENTS);
  while (!state.loads.isComplete && state.loads.seen < MOST_EVENTS && hasHoles(state)) {
    await state.loads.until(state.loads.seen + FIRST_EVENTS);
  }
  const tasks = new Map();
  for (const load of state.loads.found) {
    if (!tasks.has(load.dagId)) tasks.set(load.dagId, new Set());
    tasks.get(load.dagId).add(load.taskId);
  }
  if (where.dagId && !tasks.has(where.dagId)) tasks.set(where.dagId, new Set());
  const dags = [...tasks].slice(0, MOST_DAGS);
  state.unfinished = (await Promise.all(dags.map(([dagId, its]) => askUnfinished(ask, dagId, its)))).flat();
  const assets = [...new Set(state.loads.found.map((load) => load.assetId))].slice(0, MOST_DAGS);
  await Promise.all(assets.map(async (assetId) => {
    // What is remembered is a detail: without it, the page is of use all the same.
    state.cuts.set(assetId, await allowed(askCuts(ask, assetId), []).catch(() => []));
  }));
}

/** The windows of a DAG, or of a table. */
export async function showWindows(root, ask, where, links) {
  const query = where.assetId === undefined ? { source_dag_id: where.dagId } : { asset_id: where.assetId };
  const state = { loads: new Loads(ask, query), unfinished: [], cuts: new Map(), views: [] };
  const attempt = async (asking) => {
    try {
      await asking();
      draw(root, state, links, more);
    } catch (error) {
      refused(root, error);
    }
  };
  const more = () => {
    state.isAsking = true;
    draw(root, state, links, more);
    return attempt(async () => {
      await state.loads.until(Math.min(MOST_EVENTS, state.loads.seen + MORE_EVENTS));
      state.isAsking = false;
    });
  };
  await attempt(() => gather(ask, where, state));
}

export function refused(root, error) {
  const forbidden = error instanceof Refused && error.isForbidden;
  show(root, verdict(forbidden
    ? {
      tone: "idle",
      title: error.status === 401 ? "Log in to Airflow first" : "You may not see these windows",
      means: [error.status === 401
        ? "Airflow does not know who you are: open its start page, log in, and load this page again."
        : "It needs the right to read assets. Whoever administers Airflow gives it."],
    }
    : { tone: "idle", title: "Airflow did not answer", means: [`${error.message}. Load this page again.`] }));
}
