"use strict";
// The table of candidates: only the rows that can be seen are in the document.

Report.ROW = 24;
Report.WIDTHS = { id: 190, formula: 100, prototype: 190, space_group_before: 120, space_group_after: 120, predicted_above_hull: 125, predicted_formation: 125, formation: 100, above_hull: 100, energy: 100, core_minutes: 100, signed: 100, phase_separation: 100, decomposition: 230, reason: 140, reached: 90, asked_in: 120, end: 190, details: 180, origin: 220, twin_of: 170, system: 110, unit: 70 };

class CandidateTable {
  constructor(fields, columns, { pick }) {
    this.fields = fields;
    this.columns = columns;
    this.total = columns.id.length;
    this.pick = pick;
    this.filters = new Map(); // by column: text that was typed
    this.marks = new Map(); // by name: what a chart has chosen
    this.sorted = { name: "above_hull", down: false };
    this.shown = fields.filter((field) => field.shown).map((field) => field.name);
    this.rows = Int32Array.from({ length: this.total }, (_, row) => row);
    this.element = document.getElementById("table");
    this.build();
    this.apply();
  }

  // ------------------------------------------------------------ what is chosen

  test(name, typed) {
    const column = this.columns[name], text = typed.trim();
    if (column.isNumber) {
      const between = text.match(/^(-?[\d.eE+-]+)\s*\.\.\s*(-?[\d.eE+-]+)$/);
      if (between) { const [low, high] = [Number(between[1]), Number(between[2])]; return (row) => column.values[row] >= low && column.values[row] <= high; }
      const compared = text.match(/^(<=|>=|<|>|=)?\s*(-?[\d.]+(?:[eE][+-]?\d+)?)$/);
      if (!compared) return null;
      const limit = Number(compared[2]);
      const ways = { "<": (v) => v < limit, "<=": (v) => v <= limit, ">": (v) => v > limit, ">=": (v) => v >= limit, "=": (v) => Math.abs(v - limit) < 1e-6 * Math.max(1, Math.abs(limit)) };
      const way = ways[compared[1] || "="];
      return (row) => way(column.values[row]);
    }
    const exact = text.startsWith("=") ? text.slice(1).trim() : null, part = text.toLowerCase();
    const fits = exact === null ? (word) => word.toLowerCase().includes(part) : (word) => word === exact;
    if (column.words) { const good = column.words.map(fits); return (row) => good[column.codes[row]]; }
    return (row) => fits(column.texts[row]);
  }

  apply() {
    const begun = performance.now();
    const tests = [...[...this.filters].map(([name, text]) => this.test(name, text)).filter(Boolean), ...[...this.marks.values()].map((mark) => mark.test)];
    const found = new Int32Array(this.total);
    let n = 0;
    for (let row = 0; row < this.total; row += 1) {
      let good = true;
      for (const test of tests) if (!test(row)) { good = false; break; }
      if (good) { found[n] = row; n += 1; }
    }
    this.rows = found.subarray(0, n);
    this.sort();
    this.element.dataset.filterMs = (performance.now() - begun).toFixed(1);
    this.element.dataset.rows = n;
    this.counter.textContent = n === this.total ? `${Report.count(n)} candidates` : `${Report.count(n)} of ${Report.count(this.total)} candidates`;
    this.spacer.style.height = `${n * Report.ROW}px`;
    this.body.scrollTop = 0;
    this.chips();
    this.draw(true);
  }

  sort() {
    const { name, down } = this.sorted;
    if (!name) return;
    const order = this.columns[name].order, last = down ? -1 : 1;
    this.rows.sort((a, b) => {
      const x = order[a], y = order[b];
      if (x === y) return a - b;
      if (x !== x) return y !== y ? a - b : 1; // missing numbers come last, whichever way
      if (y !== y) return -1;
      return x < y ? -last : last;
    });
  }

  // A chart chooses candidates: one mark a chart, shown as a chip that takes it away again.
  mark(name, words, test) {
    if (test) this.marks.set(name, { words, test });
    else this.marks.delete(name);
    this.apply();
  }

  chips() {
    document.getElementById("chips").replaceChildren(...[...this.marks].map(([name, mark]) =>
      Report.make("span", { class: "chip" }, mark.words, Report.make("button", { title: "show all again", onclick: () => this.mark(name, "", null) }, "×"))));
  }

  // ------------------------------------------------------------ what is there

  build() {
    this.counter = Report.make("b", { id: "table-count" });
    const choose = Report.make("details", {}, Report.make("summary", {}, "columns"),
      ...this.fields.map((field) => Report.make("label", { title: field.meaning },
        Report.make("input", { type: "checkbox", checked: field.shown, "data-column": field.name, onchange: (event) => this.toggle(field.name, event.target.checked) }), field.title)));
    document.getElementById("table-controls").replaceChildren(this.counter,
      Report.make("span", { class: "hint" }, "text: a part of it, or =all of it; numbers: <0.05, >=1, 0..0.1"),
      Report.make("button", { id: "clear-filters", onclick: () => this.clear() }, "clear filters"),
      Report.make("button", { id: "csv", onclick: () => Report.download("candidates.csv", this.csv(), "text/csv") }, "csv of these"), choose);
    this.body = Report.make("div", { class: "virtual", tabindex: 0 });
    this.heads = Report.make("div", { class: "heads" });
    this.spacer = Report.make("div", { class: "spacer" });
    this.pool = [];
    this.body.append(this.heads, this.spacer);
    this.body.addEventListener("scroll", () => { if (!this.waiting) { this.waiting = true; requestAnimationFrame(() => { this.waiting = false; this.draw(false); }); } });
    this.element.replaceChildren(this.body);
    this.header();
  }

  width(name) { return Report.WIDTHS[name] ?? 84; }

  header() {
    const fields = this.shown.map((name) => this.fields.find((field) => field.name === name));
    const cell = (field, ...children) => Report.make("div", { class: "cell", style: `width: ${this.width(field.name)}px` }, ...children);
    const head = (field) => {
      const arrow = this.sorted.name === field.name ? (this.sorted.down ? " ↓" : " ↑") : "";
      const element = cell(field, field.title + arrow, field.unit ? Report.make("small", {}, ` ${field.unit}`) : "");
      element.classList.add("head");
      element.title = `${field.meaning}; click to sort`;
      element.dataset.sort = field.name;
      element.addEventListener("click", () => this.sortBy(field.name));
      return element;
    };
    const filter = (field) => cell(field, Report.make("input", {
      type: "search", "data-filter": field.name, value: this.filters.get(field.name) ?? "", "aria-label": `filter ${field.title}`,
      oninput: (event) => { this.filters.set(field.name, event.target.value); if (!event.target.value.trim()) this.filters.delete(field.name); this.apply(); } }));
    this.heads.replaceChildren(Report.make("div", {}, ...fields.map(head)), Report.make("div", {}, ...fields.map(filter)));
    this.full = fields.reduce((sum, field) => sum + this.width(field.name), 0);
    this.spacer.style.width = `${this.full}px`;
    this.pool.forEach((line) => line.remove());
    this.pool = [];
  }

  draw(all) {
    const heads = this.heads.offsetHeight, top = this.body.scrollTop, room = this.body.clientHeight;
    const first = Math.max(0, Math.floor(top / Report.ROW) - 4), last = Math.min(this.rows.length, Math.ceil((top + room) / Report.ROW) + 4);
    while (this.pool.length < last - first) {
      const line = Report.make("div", { class: "row", onclick: () => this.pick(Number(line.dataset.row)) },
        ...this.shown.map((name) => Report.make("div", { class: `cell${this.columns[name].isNumber ? " number" : ""}`, style: `width: ${this.width(name)}px` })));
      this.body.append(line);
      this.pool.push(line);
    }
    this.pool.forEach((line, index) => {
      const position = first + index;
      line.hidden = position >= last;
      line.style.display = position >= last ? "none" : "";
      if (position >= last || (!all && line.dataset.position === String(position))) return;
      const row = this.rows[position];
      line.dataset.position = position;
      line.dataset.row = row;
      line.style.top = `${heads + position * Report.ROW}px`;
      line.style.width = `${this.full}px`;
      line.classList.toggle("stable", this.columns.above_hull.values[row] <= 1e-6);
      this.shown.forEach((name, at) => {
        const text = this.text(name, row);
        line.children[at].textContent = text;
        line.children[at].title = text;
      });
    });
  }

  text(name, row) {
    const value = this.columns[name].get(row);
    if (!this.columns[name].isNumber) return value;
    const field = this.fields.find((one) => one.name === name);
    if (Number.isNaN(value)) return "";
    if (name === "process" && value === 0) return "";
    return field && field.digits !== null ? value.toFixed(field.digits) : String(value); // pks have no separators
  }

  // ------------------------------------------------------------ what people do

  sortBy(name) {
    this.sorted = { name, down: this.sorted.name === name ? !this.sorted.down : false };
    this.header();
    this.apply();
  }

  toggle(name, on) {
    this.shown = this.fields.map((field) => field.name).filter((one) => (one === name ? on : this.shown.includes(one)));
    if (!on && this.filters.delete(name)) this.apply();
    this.header();
    this.draw(true);
  }

  clear() {
    this.filters.clear();
    this.marks.clear();
    this.header();
    this.apply();
  }

  csv() {
    const names = this.fields.map((field) => field.name);
    const lines = [names.join(",")];
    for (const row of this.rows) lines.push(names.map((name) => Report.csvCell(this.columns[name].get(row))).join(","));
    return `${lines.join("\n")}\n`;
  }
}
