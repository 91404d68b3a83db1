"use strict";
// One candidate: its crystal, CIF, and everything that was decided about it.

Report.SYMBOLS = "X H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og".split(" ");

class Crystals {
  constructor(columns) {
    this.columns = columns;
    const sites = columns.sites.values;
    this.starts = new Int32Array(sites.length + 1);
    for (let i = 0; i < sites.length; i += 1) this.starts[i + 1] = this.starts[i] + sites[i];
    this.at = new Map(Array.from(columns.row.values, (row, index) => [row, index]));
  }

  get(row) {
    const index = this.at.get(row);
    if (index === undefined) return null;
    const [begin, end] = [this.starts[index], this.starts[index + 1]];
    return {
      lattice: this.columns.lattice.values.subarray(9 * index, 9 * index + 9),
      symbols: Array.from(this.columns.numbers.values.subarray(begin, end), (number) => Report.SYMBOLS[number]),
      coords: this.columns.coords.values.subarray(3 * begin, 3 * end),
    };
  }
}

Report.crystals = async (name) => {
  Report.loaded ??= new Map();
  if (!Report.loaded.has(name)) {
    const columns = await Report.columns(`cells-${name}`);
    Report.loaded.set(name, columns && new Crystals(columns));
  }
  return Report.loaded.get(name);
};

Report.cell = (lattice) => {
  const [a, b, c] = [0, 3, 6].map((at) => Array.from(lattice.subarray(at, at + 3)));
  const dot = (x, y) => x[0] * y[0] + x[1] * y[1] + x[2] * y[2];
  const angle = (x, y) => (180 / Math.PI) * Math.acos(Math.max(-1, Math.min(1, dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y)))));
  return { lengths: [a, b, c].map((x) => Math.sqrt(dot(x, x))), angles: [angle(b, c), angle(a, c), angle(a, b)] };
};

// All sites of the cell, without symmetry: what was computed is what is written.
Report.cif = (name, crystal) => {
  const { lengths, angles } = Report.cell(crystal.lattice);
  const seen = {};
  const sites = crystal.symbols.map((symbol, i) => {
    seen[symbol] = (seen[symbol] ?? 0) + 1;
    const place = Array.from(crystal.coords.subarray(3 * i, 3 * i + 3), (value) => value.toFixed(7)).join(" ");
    return `  ${symbol}${seen[symbol]} ${symbol} ${place} 1.0`;
  });
  const block = name.replace(/[^A-Za-z0-9_.+-]/g, "_");
  return [`data_${block}`, "_symmetry_space_group_name_H-M 'P 1'", "_symmetry_Int_Tables_number 1",
    ...["a", "b", "c"].map((axis, i) => `_cell_length_${axis} ${lengths[i].toFixed(6)}`),
    ...["alpha", "beta", "gamma"].map((axis, i) => `_cell_angle_${axis} ${angles[i].toFixed(5)}`),
    "loop_", " _symmetry_equiv_pos_site_id", " _symmetry_equiv_pos_as_xyz", "  1 'x, y, z'",
    "loop_", " _atom_site_label", " _atom_site_type_symbol", " _atom_site_fract_x", " _atom_site_fract_y", " _atom_site_fract_z", " _atom_site_occupancy",
    ...sites, ""].join("\n");
};

Report.history = async (row) => {
  const sections = Report.sections, events = [], columns = Report.table.columns;
  const number = (value, digits) => Report.fixed(value, digits);
  if (columns.start_set.values[row]) events.push(["start set", "drawn", "", ""]);
  const find = (values) => { let low = 0, high = values.length - 1; while (low <= high) { const at = (low + high) >> 1; if (values[at] === row) return at; if (values[at] < row) low = at + 1; else high = at - 1; } return -1; };
  for (const [index, said] of sections.rounds_said.entries()) {
    const round = await Report.columns(`round-${index}`), at = find(round.row.values);
    if (at < 0) continue;
    const predicted = Number.isNaN(round.sigma.values[at]) ? "" : `${number(round.above_hull.values[at], 3)} ± ${number(round.sigma.values[at], 3)} eV/atom above the hull`;
    const compared = `${said.rule}: ${number(round.value.values[at], 4)} against ${number(round.threshold.values[at], 4)} ${said.unit}`;
    events.push([said.title, `${round.keep.values[at] ? "kept" : "dropped"}: ${round.reason.get(at)}`, predicted, compared]);
  }
  for (const [index, name] of sections.stages_said.entries()) {
    const stage = await Report.columns(`stage-${index}`), at = find(stage.row.values);
    if (at < 0) continue;
    const failure = stage.failure.get(at), energy = stage.energy.values[at];
    const spent = stage.core_minutes.values[at], cost = spent > 0 && spent < 0.1 ? spent.toPrecision(2) : number(spent, 2);
    const minutes = `${cost} core-minutes, process ${stage.process.values[at] || "–"}`;
    events.push([name, failure ? `failed: ${failure}` : "relaxed", failure ? "" : `${number(energy, 4)} eV/atom`, minutes]);
    const merging = stage.merging ? stage.merging.get(at) : "";
    if (merging && merging !== "unique") events.push([`merging after ${name}`, merging, "", ""]);
  }
  events.push(["outcome", columns.reason.get(row), columns.end.get(row), columns.details.get(row)]);
  return events;
};

Report.show = async (row) => {
  const panel = document.getElementById("crystal"), { columns, fields } = Report.table;
  const id = columns.id.get(row);
  panel.hidden = false;
  panel.dataset.row = row;
  const viewer = Report.make("div", { class: "viewer" });
  const which = Report.make("select", { id: "which-cell" });
  const size = Report.make("select", { id: "supercell" }, ...["1×1×1", "2×2×2", "3×3×3"].map((text, i) => Report.make("option", { value: i + 1 }, text)));
  const details = Report.make("p", { class: "hint", id: "cell-details" });
  const facts = fields.filter((field) => !["id", "end", "start_set"].includes(field.name) && Report.table.text(field.name, row) !== "")
    .flatMap((field) => [Report.make("dt", {}, field.title), Report.make("dd", {}, `${Report.table.text(field.name, row)} ${field.unit}`.trim())]);
  const cells = [];
  for (const name of ["before", ...Report.sections.stages_said]) {
    const crystals = await Report.crystals(name), crystal = crystals && crystals.get(row);
    if (crystal) cells.push([name, crystal]);
  }
  cells.forEach(([name], index) => which.append(Report.make("option", { value: index, selected: index === cells.length - 1 }, name === "before" ? "before relaxation" : `after ${name}`)));
  const draw = () => {
    const chosen = cells[Number(which.value)];
    if (!chosen) { viewer.textContent = "no cell"; return; }
    const { lengths, angles } = Report.cell(chosen[1].lattice);
    details.textContent = `${lengths.map((x) => x.toFixed(3)).join(", ")} Å; ${angles.map((x) => x.toFixed(2)).join(", ")}°; ${chosen[1].symbols.length} sites`;
    Report.view(viewer, Report.cif(id, chosen[1]), Number(size.value));
  };
  which.addEventListener("change", draw);
  size.addEventListener("change", draw);
  const parts = [
    Report.make("button", { class: "close", onclick: () => { panel.hidden = true; } }, "close"),
    Report.make("h2", { id: "crystal-title" }, `${columns.formula.get(row)}  ${id}`),
    Report.make("p", { class: "hint" }, [columns.prototype.get(row), columns.space_group_after.get(row) || columns.space_group_before.get(row)].filter(Boolean).join(", ")),
    cells.length ? Report.make("div", { class: "controls" }, which, size, Report.make("button", { id: "cif", onclick: () => Report.download(`${id.replace(/[^A-Za-z0-9_.+-]/g, "_")}.cif`, Report.cif(id, cells[Number(which.value)][1]), "chemical/x-cif") }, "CIF")) : null,
    cells.length ? viewer : null, details,
    Report.make("h3", {}, "History"),
    Report.plainTable(["where", "what", "", ""], await Report.history(row), { words: [0, 1, 2, 3] }),
    Report.make("h3", {}, "All columns"), Report.make("dl", {}, ...facts)];
  panel.replaceChildren(...parts.filter(Boolean));
  if (cells.length) draw();
};

Report.view = async (element, cif, copies) => {
  await Report.library("3Dmol-min.js");
  element.replaceChildren();
  try {
    const viewer = $3Dmol.createViewer(element, { backgroundColor: "white", antialias: true });
    const model = viewer.addModel(cif, "cif", { doAssembly: true, normalizeAssembly: true });
    viewer.addUnitCell(model, { box: { color: "#667085" } });
    if (copies > 1) viewer.replicateUnitCell(copies, copies, copies, model);
    viewer.setStyle({}, { sphere: { scale: 0.28, colorscheme: "Jmol" }, stick: { radius: 0.12, colorscheme: "Jmol" } });
    viewer.zoomTo();
    viewer.rotate(12, "y");
    viewer.rotate(-10, "x");
    viewer.render();
    element.dataset.atoms = model.selectedAtoms({}).length;
  } catch (error) { // no WebGL: the CIF and all numbers are there all the same
    element.textContent = `The structure can't be drawn here (${error.message}); its CIF can be saved.`;
  }
};
