"use strict";
// What the page was given: packed columns, unpacked when they are asked for.

const Report = { unpacked: new Map() };

Report.fromBase64 = (text) => {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text); // browsers since 2025
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at += 1) bytes[at] = letters.charCodeAt(at);
  return bytes;
};

Report.bytes = async (name) => {
  const holder = document.getElementById(`packed-${name}`);
  if (!holder || !holder.textContent) return null;
  const raw = Report.fromBase64(holder.textContent);
  holder.textContent = "";
  const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
};

// A library of others is evaluated once, when it is needed.
Report.libraries = new Map();

Report.library = (name) => {
  if (!Report.libraries.has(name)) {
    Report.libraries.set(name, Report.bytes(name).then((bytes) => {
      const script = document.createElement("script");
      script.textContent = new TextDecoder().decode(bytes);
      document.head.append(script);
    }));
  }
  return Report.libraries.get(name);
};

Report.ARRAYS = { f4: Float32Array, i4: Int32Array, u2: Uint16Array, u1: Uint8Array };

class Column {
  constructor(entry, bytes, start) {
    const array = ({ at, n, type }) => new Report.ARRAYS[type](bytes.buffer, bytes.byteOffset + start + at, n);
    this.kind = entry.kind;
    this.isNumber = entry.kind === "number";
    if (this.isNumber) { this.values = array(entry.values); this.length = this.values.length; }
    if (entry.kind === "words") { this.words = entry.words; this.codes = array(entry.codes); this.length = this.codes.length; }
    if (entry.kind === "text") { this.ends = array(entry.ends); this.raw = array(entry.bytes); this.length = this.ends.length; }
  }

  get(row) {
    if (this.isNumber) return this.values[row];
    if (this.words) return this.words[this.codes[row]];
    return this.texts[row];
  }

  get texts() {
    if (!this.decoded) {
      const decoder = new TextDecoder();
      const whole = decoder.decode(this.raw);
      const plain = whole.length === this.raw.length;
      this.decoded = Array.from(this.ends, (end, row) => {
        const begin = row ? this.ends[row - 1] : 0;
        return plain ? whole.slice(begin, end) : decoder.decode(this.raw.subarray(begin, end));
      });
    }
    return this.decoded;
  }

  // A number for every row that sorts like the column: values, or the rank of the words.
  get order() {
    if (this.isNumber) return this.values;
    if (this.words) return this.codes; // words are packed in order
    if (!this.ranks) {
      const rows = Array.from(this.ends, (_, row) => row).sort((a, b) => (this.texts[a] < this.texts[b] ? -1 : this.texts[a] > this.texts[b] ? 1 : 0));
      this.ranks = new Int32Array(rows.length);
      rows.forEach((row, rank) => { this.ranks[row] = rank; });
    }
    return this.ranks;
  }
}

Report.columns = (name) => {
  if (!Report.unpacked.has(name)) {
    Report.unpacked.set(name, (async () => {
      const bytes = await Report.bytes(name);
      if (!bytes) return null;
      const size = new DataView(bytes.buffer, bytes.byteOffset + 8, 4).getUint32(0, true);
      const header = JSON.parse(new TextDecoder().decode(bytes.subarray(12, 12 + size)));
      return Object.fromEntries(Object.entries(header.columns).map(([key, entry]) => [key, new Column(entry, bytes, 12 + size)]));
    })());
  }
  return Report.unpacked.get(name);
};

// ---------------------------------------------------------------- words and numbers

Report.formula = (text) => text.replace(/[&<>]/g, "").replace(/(\d+(?:\.\d+)?)/g, "<sub>$1</sub>"); // for plotly
Report.escape = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
Report.count = (value) => (value === null || value === undefined ? "–" : Number(value).toLocaleString("en-US"));
Report.fixed = (value, digits) => (value === null || value === undefined || Number.isNaN(value) ? "" : value.toFixed(digits));
Report.percent = (value) => (value === null || value === undefined ? "–" : `${(100 * value).toFixed(1)} %`);

// An element with attributes, and children that are elements or text: text is never read as markup.
Report.make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : String(child))));
  return element;
};

Report.download = (name, text, kind = "text/plain") => {
  const url = URL.createObjectURL(new Blob([text], { type: `${kind};charset=utf-8` }));
  const link = Report.make("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
};

// Spreadsheets run text that begins like a formula.
Report.guarded = (text) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
Report.csvCell = (value) => {
  if (typeof value === "number") return Number.isNaN(value) ? "" : String(Report.rounded(value));
  const text = Report.guarded(String(value ?? ""));
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

Report.rounded = (value) => (Number.isInteger(value) ? value : Number(value.toPrecision(7))); // floats have 32 bits

Report.plainTable = (headers, rows, { words = [] } = {}) => {
  const mark = (index) => (words.includes(index) ? { class: "word" } : {});
  return Report.make("table", { class: "plain" },
    Report.make("thead", {}, Report.make("tr", {}, ...headers.map((text, index) => Report.make("th", mark(index), text)))),
    Report.make("tbody", {}, ...rows.map((row) => Report.make("tr", {}, ...row.map((cell, index) => Report.make("td", mark(index), cell ?? ""))))));
};

Report.LOOK = { font: { family: "system-ui, Segoe UI, Roboto, sans-serif", size: 12, color: "#1d2330" }, margin: { l: 60, r: 20, t: 30, b: 45 }, paper_bgcolor: "#fff", plot_bgcolor: "#fff", hovermode: "closest" };
Report.AXIS = { showgrid: true, gridcolor: "#eceef2", zeroline: false, linecolor: "#667085", ticks: "outside", showline: true };
Report.CONFIG = { displaylogo: false, responsive: true, plotGlPixelRatio: 2, modeBarButtonsToRemove: ["select2d", "lasso2d", "sendDataToCloud"] };
