// The SQL box: a statement is run, and its result stands below it.

import { el } from "./dom.js";
import * as ask from "./asking.js";
import { lasted, rowGrid } from "./lists.js";
import { count, number } from "./words.js";

const POLL = 300;

export class SqlBox {
  constructor(onDone) {
    this.onDone = onDone;
    this.id = null;
    this.area = el("textarea", { id: "sql", spellcheck: "false", "aria-label": "Statement", placeholder: "SELECT 1",
      keydown: (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.run(); } });
    this.start = el("button", { type: "button", id: "sql-run", click: () => this.run() }, "Run");
    this.end = el("button", { type: "button", id: "sql-stop", disabled: true, click: () => this.stop() }, "Stop");
    this.result = el("div", { id: "sql-result", role: "status" });
    this.node = el("div", {}, this.area,
      el("div", { class: "row" }, this.start, this.end, el("span", { class: "note" }, "Ctrl+Enter runs it; a script of several statements shows the last result.")),
      this.result);
  }

  put(text) {
    this.area.value = text;
    this.area.focus();
  }

  async run() {
    if (!this.area.value.trim()) {
      this.say("bad", "Write a statement first.");
      return;
    }
    this.say("busy", "Starting …");
    try {
      const { id } = await ask.run(this.area.value);
      await this.follow(id);
    } catch (reason) {
      this.say("bad", reason.message);
    }
  }

  async stop() {
    try {
      if (this.id) await ask.stop(this.id);
    } catch (reason) {
      this.say("bad", reason.message);
    }
  }

  /** Shows a statement, and looks at it until it has ended or another one is shown. */
  async follow(id) {
    this.id = id;
    for (;;) {
      const told = await ask.statement(id);
      if (this.id !== id) return;
      const runs = told.status === "Running";
      this.end.disabled = !runs;
      this.show(told);
      if (!runs) break;
      await new Promise((done) => setTimeout(done, POLL));
    }
    this.onDone();
  }

  say(tone, ...what) {
    this.result.replaceChildren(el("p", { class: `state ${tone}` }, what));
  }

  show(told) {
    if (told.status === "Running") return this.say("busy", `Running: instance ${told.id}`);
    if (told.failure) return this.say("bad", told.failure);
    const took = told.seconds === null ? "" : `, ${lasted(told.seconds)}`;
    const done = el("p", { class: "state good" }, this.#sentence(told) + took);
    const text = told.text ? el("pre", {}, told.text) : null;
    const rows = told.columns.length ? rowGrid("Result", told.columns, told.first) : null;
    const more = told.rows > told.first.length ? el("p", { class: "note" }, `The first ${number(told.first.length)} are shown.`) : null;
    return this.result.replaceChildren(...[done, text, rows, more].filter(Boolean));
  }

  #sentence(told) {
    if (told.rows !== null) return count(told.rows, "row");
    return told.written === null ? told.status : `${count(told.written, "row")} written`;
  }
}
