"use strict";
// Phase diagrams of two to four elements, as they stood after every round.

Report.SCALE = [[0, "#1b7837"], [0.12, "#7fbf7b"], [0.35, "#fdd07a"], [0.65, "#e08214"], [1, "#8c2d04"]];
Report.CHANCE = [[0, "#d9dce3"], [0.02, "#c6dbef"], [0.2, "#6baed6"], [0.6, "#2171b5"], [1, "#08306b"]];
Report.TRIANGLE = [[0, 0], [1, 0], [0.5, Math.sqrt(3) / 2]];
Report.TETRAHEDRON = [[0, 0, 0], [1, 0, 0], [0.5, Math.sqrt(3) / 2, 0], [0.5, Math.sqrt(3) / 6, Math.sqrt(2 / 3)]];
Report.MOST_MARKS = 3000; // more than that covers itself, and is slow
Report.STATES = {
  relaxed: { name: "relaxed", symbol: "circle" },
  kept: { name: "let in, this round", symbol: "circle-open" },
  waits: { name: "kept, waits", symbol: "square-open" },
  dropped: { name: "dropped by the rule", symbol: "x-open" },
};

class PhaseDiagrams {
  constructor() {
    const { systems, drawable } = Report.sections.diagrams;
    this.systems = systems;
    this.chart = document.getElementById("phase-chart");
    this.rounds = Report.sections.rounds_said;
    if (!systems.length) { this.chart.textContent = "There is no chemical system of two to four elements to draw."; this.chart.style.height = "auto"; return; }
    const option = (value, text) => Report.make("option", { value }, text);
    const redraw = () => this.draw();
    this.system = Report.make("select", { id: "system", onchange: redraw }, ...systems.map((one, index) => option(index, one.name)));
    this.round = Report.make("input", { id: "round", type: "range", min: 0, max: this.rounds.length + 1, value: this.rounds.length + 1, oninput: redraw });
    this.said = Report.make("b", { id: "round-said" });
    this.color = Report.make("select", { id: "color", onchange: redraw }, option("above", "energy above the hull"), option("chance", "P(stable)"));
    this.cut = Report.make("input", { id: "cut", type: "number", min: 1, step: 10, value: 150, onchange: redraw });
    this.view = Report.make("select", { id: "view", onchange: redraw }, option("flat", "triangle"), option("solid", "formation energy as height"));
    const box = (id, checked) => Report.make("input", { id, type: "checkbox", checked, onchange: redraw });
    this.before = box("before", false); this.dropped = box("show-dropped", true); this.bars = box("sigma-bars", true); this.labels = box("show-labels", true);
    const label = (text, control, after = "") => Report.make("label", {}, text, control, after);
    this.viewLabel = label("as ", this.view);
    document.getElementById("phase-controls").replaceChildren(label("system ", this.system),
      this.rounds.length ? label("after ", this.round, this.said) : this.said,
      label("color ", this.color), label("cut at ", this.cut, " meV/atom above the hull"), this.viewLabel,
      label("", this.dropped, "dropped"), label("", this.bars, "±σ"), label("", this.labels, "names"), label("", this.before, "hull before"));
    this.more = drawable > systems.length ? ` ${systems.length} of ${Report.count(drawable)} chemical systems are in this file.` : "";
  }

  async roundAt(index) {
    const columns = await Report.columns(`round-${index}`);
    if (!columns.at) columns.at = new Map(Array.from(columns.row.values, (row, at) => [row, at]));
    return columns;
  }

  // What is to be drawn of every candidate: place, energies, state.
  async points(index, step) {
    const table = Report.table.columns, packed = await Report.columns(`system-${index}`);
    const k = this.systems[index].elements.length, fractions = packed.fractions.values, end = step === this.rounds.length + 1;
    const round = step >= 1 && !end ? await this.roundAt(step - 1) : null, points = [];
    packed.row.values.forEach((row, i) => {
      const place = Array.from(fractions.subarray(k * i, k * i + k));
      const joined = table.relaxed_in.values[row];
      if (joined >= 0 && (end || joined < step || (step === 0 && joined === 0))) {
        points.push({ row, place, state: "relaxed", formation: table.formation.values[row], above: table.above_hull.values[row], sigma: 0, reason: "" });
      } else if (round && round.at.has(row)) {
        const at = round.at.get(row), reason = round.reason.get(at);
        const state = round.keep.values[at] ? "kept" : reason === "batch_full" ? "waits" : "dropped";
        points.push({ row, place, state, formation: round.formation.values[at], above: round.above_hull.values[at], sigma: round.sigma.values[at], reason });
      } else if (end && !Number.isNaN(table.sigma.values[row])) {
        const reason = table.reason.get(row);
        points.push({ row, place, state: reason === "batch_full" || reason === "not_asked" ? "waits" : "dropped", formation: table.predicted_formation.values[row], above: table.predicted_above_hull.values[row], sigma: table.sigma.values[row], reason });
      }
    });
    return points.filter((point) => Number.isFinite(point.formation));
  }

  async draw() {
    if (!this.systems.length) return;
    await Report.library("plotly.min.js");
    const index = Number(this.system.value), system = this.systems[index], k = system.elements.length;
    const step = Number(this.round.value), cut = Math.max(Number(this.cut.value) || 0, 1) / 1000;
    this.said.textContent = step === 0 ? "the start set" : step === this.rounds.length + 1 ? "the end" : this.rounds[step - 1].title;
    this.viewLabel.style.display = k === 3 ? "" : "none";
    const all = await this.points(index, step);
    const wanted = all.filter((point) => this.dropped.checked || point.state !== "dropped");
    const below = wanted.filter((point) => point.above <= cut).sort((a, b) => a.above - b.above);
    const each = k === 2 || (k === 3 && this.view.value === "solid"); // else one mark a composition
    const near = each ? below.slice(0, Report.MOST_MARKS) : below;
    const draw = k === 2 ? this.binary : k === 3 && this.view.value === "flat" ? this.ternary : this.solid;
    const { data, layout, shown } = draw.call(this, system, near, cut);
    const away = wanted.length - below.length, most = below.length > near.length ? `; of those below it the lowest ${Report.count(near.length)}` : "";
    document.getElementById("phase-hint").textContent = `Filled: relaxed; hollow: predicted${k === 2 ? ", with σ" : ""}. ${Report.count(shown)} of ${Report.count(all.length)} candidates are drawn${away ? `; ${Report.count(away)} lie above the cut` : ""}${most}${shown < near.length ? "; of those at one composition the lowest, relaxed before predicted" : ""}. Click a mark for its structure, CIF and history.${this.more}`;
    await Plotly.react(this.chart, data, { ...Report.LOOK, ...layout, legend: { itemsizing: "constant", bgcolor: "#ffffffb0", ...(k === 2 ? { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" } : { x: 0, y: 1 }) }, uirevision: `${index}${this.view.value}` }, Report.CONFIG);
    this.chart.dataset.step = step;
    this.chart.dataset.shown = shown;
    if (!this.listening) {
      this.listening = true;
      this.chart.on("plotly_click", ({ points: [point] }) => this.pick(point.customdata));
    }
  }

  pick(row) {
    if (row === undefined || row === null || row < 0) return;
    const { columns } = Report.table, formula = columns.formula.get(row);
    Report.table.mark("diagram", `formula ${formula}`, (other) => columns.formula.get(other) === formula);
    Report.show(row);
  }

  hover(point, count) {
    const { columns } = Report.table, sigma = point.sigma ? ` ± ${(1000 * point.sigma).toFixed(0)}` : "";
    const others = count > 1 ? `<br>${count} phases of this composition` : "";
    return `<b>${Report.formula(columns.formula.get(point.row))}</b><br>${Report.escape(columns.id.get(point.row))}<br>${Report.STATES[point.state].name}${point.reason ? ` (${Report.escape(point.reason)})` : ""}<br>formation energy ${point.formation.toFixed(3)} eV/atom<br>${(1000 * point.above).toFixed(0)}${sigma} meV/atom above the hull${others}`;
  }

  value(point) {
    if (this.color.value === "above") return 1000 * point.above;
    const chance = Report.table.columns.p_stable.values[point.row];
    return point.state === "relaxed" ? Number(point.above <= Report.sections.diagrams.tolerance) : Number.isNaN(chance) ? 0 : chance;
  }

  // Marks of all states, with one color bar for all of them.
  marks(points, cut, place, { type, size, counts, bars }) {
    const above = this.color.value === "above", traces = [];
    for (const state of ["dropped", "waits", "kept", "relaxed"]) {
      const mine = points.filter((point) => point.state === state).sort((a, b) => b.above - a.above);
      const solid = type === "scatter3d";
      const at = mine.map(place);
      const trace = {
        type, mode: "markers", name: `${Report.STATES[state].name} (${mine.length})`, customdata: mine.map((point) => point.row),
        x: at.map((one) => one[0]), y: at.map((one) => one[1]), hoverinfo: "text", text: mine.map((point) => this.hover(point, counts ? counts.get(point.place.join()) : 1)),
        marker: {
          symbol: solid ? Report.STATES[state].symbol.replace("x-open", "x") : Report.STATES[state].symbol, size: mine.map((point) => size * (point.above <= 1e-6 ? 1.35 : state === "dropped" ? 0.7 : 1)),
          color: mine.map((point) => this.value(point)), colorscale: above ? Report.SCALE : Report.CHANCE, cmin: 0, cmax: above ? 1000 * cut : 1,
          showscale: state === "relaxed", colorbar: { title: { text: above ? "E<sub>hull</sub><br>(meV/atom)" : "P(stable)" }, thickness: 14, len: 0.7 },
          line: { width: state === "relaxed" ? 0.8 : 1.4, ...(state === "relaxed" ? { color: mine.map((point) => (point.above <= 1e-6 ? "#0b3d1a" : "#ffffff")) } : {}) },
        },
      };
      if (solid) { trace.z = at.map((one) => one[2]); if (state !== "relaxed") trace.marker.opacity = 0.75; }
      if (bars && state !== "relaxed" && mine.length) trace.error_y = { type: "data", array: mine.map((point) => point.sigma), thickness: 0.7, width: 0, color: "#b8bdc7" };
      if (mine.length || state === "relaxed") traces.push(trace);
    }
    return traces;
  }

  known(system, place, cut, solid) {
    const { ids, formulas, fractions, formation, above_hull: above, stable } = system.known;
    return [true, false].map((wanted) => {
      const rows = ids.map((_, i) => i).filter((i) => stable[i] === wanted && above[i] <= cut);
      const at = rows.map((i) => place({ place: fractions[i], formation: formation[i] }));
      return { type: solid ? "scatter3d" : "scatter", mode: "markers", name: wanted ? `known, on the hull (${rows.length})` : `known, above (${rows.length})`, x: at.map((one) => one[0]), y: at.map((one) => one[1]), ...(solid ? { z: at.map((one) => one[2]) } : {}), customdata: rows.map(() => -1), hoverinfo: "text",
        text: rows.map((i) => `<b>${Report.formula(formulas[i])}</b><br>known: ${Report.escape(ids[i])}<br>formation energy ${formation[i].toFixed(3)} eV/atom<br>${(1000 * Math.max(above[i], 0)).toFixed(0)} meV/atom above the hull`),
        marker: { symbol: wanted ? "diamond" : "diamond-open", size: solid ? 4 : 9, color: "#4d4d4d", line: { color: "#fff", width: wanted ? 0.8 : 1 } } };
    });
  }

  lines(pairs, place, { name, color, width, dash, solid }) {
    const x = [], y = [], z = [];
    for (const pair of pairs) {
      for (const end of pair) { const at = place({ place: end.slice(0, -1), formation: end[end.length - 1] }); x.push(at[0]); y.push(at[1]); z.push(at[2]); }
      x.push(null); y.push(null); z.push(null);
    }
    return { type: solid ? "scatter3d" : "scatter", mode: "lines", name, x, y, ...(solid ? { z } : {}), hoverinfo: "skip", line: { color, width, dash }, showlegend: Boolean(name) };
  }

  hulls(system, place, solid) {
    const lines = [this.lines(system.ties, place, { name: "hull", color: solid ? "#667085" : "#8a93a3", width: solid ? 2 : 1.3, solid })];
    if (this.before.checked) lines.unshift(this.lines(system.ties_before, place, { name: "hull before", color: "#b2182b", width: solid ? 2 : 1.3, dash: solid ? "dash" : "dot", solid }));
    return lines;
  }

  // Names of the stable compounds where they cover as little as possible: eight directions are tried.
  names(system, place, spots, { scale, away }) {
    if (!this.labels.checked) return [];
    const pixel = ([x, y]) => [x * scale[0], -y * scale[1]], found = [];
    const places = system.names.map((one) => place({ place: one.fractions, formation: one.formation }));
    const taken = [...spots, ...places].map((at) => [...pixel(at), 7, 7]);
    system.names.forEach((one, index) => {
      const at = places[index], [x, y] = pixel(at), width = 3.7 * one.formula.length, outward = away(at);
      let best = null;
      for (let turn = 0; turn < 24; turn += 1) {
        const angle = outward + ((turn % 2 ? 1 : -1) * Math.ceil((turn % 8) / 2) * Math.PI) / 4, reach = 12 + 14 * Math.floor(turn / 8);
        const ax = (reach + width) * Math.cos(angle), ay = (reach + 8) * Math.sin(angle);
        const cost = taken.reduce((sum, [u, v, w, h]) => sum + Number(Math.abs(u - x - ax) < w + width && Math.abs(v - y - ay) < h + 8), 0) + 0.01 * turn;
        if (best === null || cost < best.cost) best = { cost, ax, ay, far: turn >= 8 };
      }
      taken.push([x + best.ax, y + best.ay, width, 8]);
      found.push({ x: at[0], y: at[1], ax: best.ax, ay: best.ay, text: Report.formula(one.formula), showarrow: true, arrowhead: 0, arrowwidth: best.far ? 0.7 : 0.001, arrowcolor: "#98a1b0", standoff: 5, font: { size: 12, color: one.new ? "#1b7837" : "#333" } });
    });
    return found;
  }

  binary(system, points, cut) {
    const place = (point) => [point.place[1], point.formation], [first, second] = system.elements;
    const lowest = Math.min(0, ...system.ties.flat().map((end) => end[2])), highest = Math.max(0.02, ...points.map((point) => point.formation));
    const scale = [900, 430 / (highest - lowest + 0.05)];
    const data = [...this.hulls(system, place, false), ...this.known(system, place, cut, false), ...this.marks(points, cut, place, { type: "scatter", size: 9, bars: this.bars.checked })];
    const spots = points.map(place);
    return { data, shown: points.length, layout: { margin: { ...Report.LOOK.margin, t: 50 },
      xaxis: { ...Report.AXIS, title: { text: `<i>x</i> in ${first}<sub>1−x</sub>${second}<sub>x</sub>` }, range: [-0.04, 1.04] },
      yaxis: { ...Report.AXIS, title: { text: "formation energy (eV/atom)" }, zeroline: true, zerolinecolor: "#c9ced8", range: [lowest - 0.09 * (highest - lowest) - 0.02, highest + 0.04] },
      annotations: this.names(system, place, spots, { scale, away: () => Math.PI / 2 }) } };
  }

  // One mark a composition: the lowest relaxed phase, else the lowest prediction.
  lowest(points) {
    const best = new Map(), counts = new Map(), rank = (point) => (point.state === "relaxed" ? 0 : point.state === "dropped" ? 2 : 1);
    for (const point of points) {
      const key = point.place.join(), other = best.get(key);
      counts.set(key, (counts.get(key) ?? 0) + 1);
      if (!other || rank(point) < rank(other) || (rank(point) === rank(other) && point.above < other.above)) best.set(key, point);
    }
    return { kept: [...best.values()], counts };
  }

  corner(corners, fractions) {
    return corners[0].map((_, axis) => fractions.reduce((sum, share, i) => sum + share * corners[i][axis], 0));
  }

  ternary(system, points, cut) {
    const place = (point) => this.corner(Report.TRIANGLE, point.place), { kept, counts } = this.lowest(points);
    const edge = { type: "scatter", mode: "lines", x: [0, 1, 0.5, 0], y: [0, 0, Math.sqrt(3) / 2, 0], line: { color: "#2b2b2b", width: 1.5 }, hoverinfo: "skip", showlegend: false };
    const data = [...this.hulls(system, place, false), edge, ...this.known(system, place, cut, false), ...this.marks(kept, cut, place, { type: "scatter", size: 12, counts })];
    const corners = system.elements.map((symbol, i) => ({ x: Report.TRIANGLE[i][0], y: Report.TRIANGLE[i][1], text: `<b>${symbol}</b>`, showarrow: false, xshift: [-16, 16, 0][i], yshift: [-10, -10, 14][i], font: { size: 16 } }));
    const names = this.names(system, place, kept.map(place), { scale: [470, 470], away: ([x, y]) => Math.atan2(-(y - Math.sqrt(3) / 6), x - 0.5) });
    const hidden = { visible: false, fixedrange: false };
    return { data, shown: kept.length, layout: { margin: { l: 10, r: 10, t: 5, b: 10 }, xaxis: { ...hidden, range: [-0.14, 1.14] }, yaxis: { ...hidden, scaleanchor: "x", range: [-0.07, 0.93] }, annotations: [...corners, ...names] } };
  }

  solid(system, points, cut) {
    const ternary = system.elements.length === 3;
    const place = ternary ? (point) => [...this.corner(Report.TRIANGLE, point.place), point.formation] : (point) => this.corner(Report.TETRAHEDRON, point.place);
    const { kept, counts } = ternary ? { kept: points, counts: null } : this.lowest(points);
    const corners = ternary ? Report.TRIANGLE.map((at) => [...at, 0]) : Report.TETRAHEDRON, frame = [];
    corners.forEach((a, i) => corners.slice(i + 1).forEach((b) => frame.push([a, b])));
    const data = [{ type: "scatter3d", mode: "lines", x: frame.flatMap(([a, b]) => [a[0], b[0], null]), y: frame.flatMap(([a, b]) => [a[1], b[1], null]), z: frame.flatMap(([a, b]) => [a[2], b[2], null]), line: { color: "#2b2b2b", width: 3 }, hoverinfo: "skip", showlegend: false },
      ...this.hulls(system, place, true), ...this.known(system, place, cut, true), ...this.marks(kept, cut, place, { type: "scatter3d", size: 5, counts })];
    if (ternary && system.facets.length) {
      const at = system.facets.flat().map((end) => place({ place: end.slice(0, -1), formation: end[end.length - 1] })), corner = (j) => system.facets.map((_, i) => 3 * i + j);
      data.push({ type: "mesh3d", x: at.map((one) => one[0]), y: at.map((one) => one[1]), z: at.map((one) => one[2]), i: corner(0), j: corner(1), k: corner(2), color: "#1b7837", opacity: 0.12, hoverinfo: "skip" });
    }
    const named = this.labels.checked ? system.names.map((one) => [place({ place: one.fractions, formation: one.formation }), Report.formula(one.formula)]) : [];
    const texts = [...corners.map((at, i) => [at, `<b>${system.elements[i]}</b>`]), ...named];
    data.push({ type: "scatter3d", mode: "text", x: texts.map(([at]) => at[0]), y: texts.map(([at]) => at[1]), z: texts.map(([at]) => at[2]), text: texts.map(([, text]) => text), textposition: "top center", hoverinfo: "skip", showlegend: false });
    const lowest = Math.min(0, ...system.ties.flat().map((end) => end[end.length - 1])), highest = Math.max(0.02, ...kept.map((point) => point.formation));
    const hidden = { visible: false };
    const scene = ternary
      ? { xaxis: hidden, yaxis: hidden, zaxis: { title: { text: "formation energy (eV/atom)" }, range: [lowest - 0.05, Math.min(highest, cut) + 0.05] }, aspectmode: "manual", aspectratio: { x: 1, y: Math.sqrt(3) / 2, z: 0.75 }, camera: { eye: { x: 0.35, y: -1.55, z: 0.75 } } }
      : { xaxis: hidden, yaxis: hidden, zaxis: hidden, aspectmode: "data", camera: { eye: { x: 0.5, y: -1.5, z: 0.45 } } };
    return { data, shown: kept.length, layout: { scene, margin: { l: 0, r: 0, t: 10, b: 10 } } };
  }
}
