"use strict";
// Sections of numbers and words.

Report.tiles = (pairs) => Report.make("div", { class: "tiles" }, ...pairs.map(([value, words]) => Report.make("div", { class: "tile" }, Report.make("b", {}, value), Report.make("span", {}, words))));
Report.pairs = (pairs) => Report.make("dl", {}, ...pairs.filter(([, value]) => value !== null && value !== undefined && value !== "").flatMap(([name, value]) => [Report.make("dt", {}, name), Report.make("dd", {}, value)]));
Report.body = (name) => document.querySelector(`#${name} .body`);

Report.drawHead = () => {
  const { head } = Report.sections;
  document.getElementById("title").textContent = `${head.name} · ${head.pk ?? ""} · ${head.state}`;
  if (head.standin) {
    const banner = document.getElementById("banner");
    banner.hidden = false;
    banner.textContent = head.standin;
  }
  const stages = head.stages.map((stage) => `${stage.name} (${stage.engine}${stage.rule ? `, behind ${stage.rule}, models learn the distance from: ${stage.baseline}` : ""})`).join(" → ");
  const versions = Object.entries(head.versions).map(([name, version]) => `${name} ${version}`).join(", ");
  const protocol = `${head.protocol}${head.differences.length ? ", but" : ", unchanged"}`;
  Report.body("head").append(Report.pairs([
    ["campaign", `${head.name}, PK ${head.pk ?? "–"}`], ["UUID", head.uuid], ["state", head.state], ["launched", head.created.replace("T", " ")], ["report written", head.written.replace("T", " ")],
    ["versions", versions], ["seed", String(head.seed)], ["stages", stages], ["models", head.ensemble], ["scheme of the energies", head.scheme],
    ["nearest protocol", Report.make("span", {}, protocol, head.differences.length ? Report.make("ul", { style: "margin: .1rem 0; padding-left: 1.2rem" }, ...head.differences.map((line) => Report.make("li", {}, line))) : "")],
  ]));
};

Report.drawNow = () => {
  const { now, head } = Report.sections, body = Report.body("now");
  body.append(Report.tiles([[Report.count(now.candidates), "candidates"], [Report.count(now.references), "competing phases"], [Report.count(now.relaxed), "relaxed to the end"], [Report.count(now.failed), "failed in the last stage"], [Report.count(now.on_hull), "on the hull"], [Report.count(now.rounds), "rounds"], [Report.count(now.waiting), head.running ? "wait" : "waited at the last count"]]));
  if (now.stop) body.append(Report.make("p", { class: "hint" }, `The models stopped being asked: ${now.stop.replaceAll("_", " ")}.`));
  if (now.progress) body.append(Report.make("pre", { id: "progress" }, now.progress));
  else body.append(Report.plainTable(["stage", "done", "failed"], now.stages.map((one) => [one.name, Report.count(one.done), Report.count(one.failed)])));
  if (now.stocks.length) body.append(Report.make("h3", {}, "After every round"), Report.plainTable(["stage", "round", "relaxed", "on the hull", "new", "wait"], now.stocks.map((one) => [one.stage, one.round, Report.count(one.relaxed), one.on_hull, one.new, Report.count(one.waiting)])));
  if (now.arrivals.length) body.append(Report.make("h3", {}, "Results per hour"), Report.make("div", { class: "plot", id: "arrivals", style: "height: 165px" }));
};

// Results per hour, stage by stage.
Report.drawArrivals = () => {
  const { arrivals } = Report.sections.now;
  if (!arrivals.length) return;
  const times = arrivals.map((one) => Date.parse(one.when)), begin = Math.min(...times), span = Math.max(...times) - begin;
  const width = Math.max(60e3, span / 40), names = [...new Set(arrivals.map((one) => one.stage))];
  const bins = Math.floor(span / width) + 1, colors = ["#92a9cc", "#2166ac", "#1b7837", "#e08214"];
  const traces = names.map((name, i) => {
    const rates = new Array(bins).fill(0);
    arrivals.forEach((one, at) => { if (one.stage === name) rates[Math.floor((times[at] - begin) / width)] += (one.results * 3600e3) / width; });
    return { type: "bar", name, x: rates.map((_, bin) => new Date(begin + (bin + 0.5) * width)), y: rates, width: 0.95 * width, marker: { color: colors[i % colors.length] }, hovertemplate: "%{y:.0f} per hour<extra>%{fullData.name}</extra>" };
  });
  Plotly.newPlot("arrivals", traces, { ...Report.LOOK, margin: { l: 60, r: 20, t: 5, b: 42 }, barmode: "stack", legend: { orientation: "h", y: 1.2 }, xaxis: { ...Report.AXIS, type: "date" }, yaxis: { ...Report.AXIS } }, { ...Report.CONFIG, displayModeBar: false });
};

Report.drawCost = () => {
  const { cost } = Report.sections, body = Report.body("cost"), minutes = (value) => (value === null || value === undefined ? "–" : value > 0 && value < 0.1 ? value.toPrecision(2) : value < 10 ? value.toFixed(2) : Report.count(Math.round(value)));
  const kwh = (value) => (value === undefined ? null : `${value.toFixed(2)} kWh`), watts = cost.watts_per_core !== null;
  body.append(Report.tiles([[minutes(cost.spent), "core-minutes spent"], [minutes(cost.without), "without models"], [Report.percent(cost.saved), "saved"], [Report.count(cost.cached), "model jobs from the cache, not booked again"], ...(watts ? [[kwh(cost.kwh), `at ${cost.watts_per_core} W a core`], [kwh(cost.kwh_saved), "saved"]] : [])]),
    Report.plainTable(["what", "by", "runs", "failed", "core-minutes", "each", "cost", ...(watts ? ["kWh"] : [])], cost.ledger.map((one) => [one.what, one.by, Report.count(one.runs), Report.count(one.failed), minutes(one.core_minutes), minutes(one.core_minutes_each), one.cost, ...(watts ? [one.kwh.toFixed(3)] : [])]), { words: [1, 6] }));
};

// The id of a candidate; a click shows it.
Report.link = (row) => Report.make("a", { class: "row-link", onclick: () => Report.show(row) }, Report.table.columns.id.get(row));

// What the models claim to have found near the hull, and what a random audit could certify without them.
Report.drawPromise = (body, promise) => {
  if (!promise) return;
  const audits = Object.entries(promise.audits).map(([size, share]) => `${Report.percent(share)} with ${size} rows`).join(", ");
  body.append(Report.make("h3", {}, "How much of what lies near the hull has been found"), Report.tiles([[Report.percent(promise.claim), "found, by the models"], [Report.count(promise.found), "found within the rule's window"], [promise.expected_left.toFixed(1), "expected among those that wait"]]),
    Report.make("p", { class: "hint", id: "audits" }, `The claim is as good as the models. Without them, at 95 %: a random sample of those that wait, relaxed without a find, would certify ${audits}.`));
};

Report.drawTrust = () => {
  const { trust } = Report.sections, body = Report.body("trust"), { columns } = Report.table;
  const gap = trust.certificate.largest_gap;
  body.append(Report.tiles([[trust.expected_missed.toFixed(2), "stable phases expected among those without a result: sum of P(stable)"], [Report.percent(trust.at_least_one), "chance of at least one, if independent"], [Report.count(trust.without_result), "candidates without a result, judged by models"], [Report.count(trust.not_asked), "no model was asked about"], [gap ? `${gap.toExponential(1)} eV/atom` : "0 eV/atom", `largest gap of the hull's certificates; ${trust.certificate.passes.toExponential(0)} passes`]]));
  const row = (index) => [Report.link(index), columns.formula.get(index), columns.prototype.get(index), columns.space_group_before.get(index), columns.reason.get(index), Report.fixed(columns.predicted_above_hull.values[index], 3), Report.fixed(columns.sigma.values[index], 3), Report.fixed(columns.p_stable.values[index], 3)];
  if (trust.regrettable.length) body.append(Report.make("h3", {}, "The most regrettable drops"), Report.plainTable(["id", "formula", "prototype", "space group", "reason", "predicted E hull", "σ", "P(stable)"], trust.regrettable.map(row), { words: [1, 2, 3, 4] }));
  Report.drawPromise(body, trust.promise);
  if (trust.samples) body.append(Report.make("p", { class: "hint" }, `P(stable) from ${Report.count(trust.samples)} sampled hulls on which all candidates without a result compete; it is as good as σ is calibrated.`));
  if (trust.merging.length) body.append(Report.make("h3", {}, "Merged pairs and their audit"), Report.plainTable(["after stage", "compared", "merged", "audited", "differ", "were better", "largest loss (meV/atom)"], trust.merging.map((one) => [one.stage, Report.count(one.compared), Report.count(one.merged), ...(one.audit ? [one.audit.n_audited, one.audit.n_wrong, one.audit.n_better, (1000 * one.audit.largest_loss).toFixed(1)] : ["–", "–", "–", "–"])])));
  if (trust.underexplored.length) body.append(Report.make("h3", {}, "Hardly explored around"), Report.make("p", { class: "hint" }, "Stable phases that lie further below their competitors than 95 % of the known ones of as many elements: there is probably more to find in their chemical systems."),
    Report.plainTable(["id", "formula", "chemical system", "space group", "phase separation (eV/atom)"], trust.underexplored.map((index) => [Report.link(index), columns.formula.get(index), columns.system.get(index), columns.space_group_after.get(index) || columns.space_group_before.get(index), Report.fixed(columns.phase_separation.values[index], 3)]), { words: [1, 2, 3] }));
  const few = trust.few_labels;
  body.append(Report.make("h3", {}, "What is hardly known"), Report.pairs([
    ["elements without any result", trust.unseen.length ? trust.unseen.join(", ") : "none"],
    ["compositions", `${Report.count(few.poor)} of ${Report.count(few.compositions)} have candidates left and fewer than ${few.fewer_than} results`]]));
  if (few.listed.length) body.append(Report.make("div", { class: "scroll" }, Report.plainTable(["composition", "results", "candidates"], few.listed.map((one) => [one.formula, one.results, one.candidates]))));
};

Report.drawMethods = () => {
  const { methods, head } = Report.sections, body = Report.body("methods"), stem = head.name.replace(/[^A-Za-z0-9_.-]/g, "_");
  const copy = (text) => Report.make("button", { onclick: () => navigator.clipboard && navigator.clipboard.writeText(text) }, "copy");
  body.append(Report.make("p", { id: "methods-text" }, methods.text), copy(methods.text), Report.make("h3", {}, "BibTeX"), Report.make("pre", { id: "bibtex" }, methods.bibtex), copy(methods.bibtex),
    Report.make("h3", {}, "Data"), Report.make("div", { class: "controls" },
      Report.make("button", { id: "json", onclick: async () => Report.download(`${stem}.json`, JSON.stringify(await Report.twin()), "application/json") }, "JSON twin"),
      Report.make("button", { id: "all-csv", onclick: () => Report.download(`${stem}.csv`, Report.allCsv(), "text/csv") }, "csv of all candidates"),
      Report.make("button", { id: "matbench", onclick: async () => Report.download(`${stem}-matbench.csv`, await Report.matbench(), "text/csv") }, "csv in matbench-discovery's columns")));
};

Report.asLists = (columns) => Object.fromEntries(Object.entries(columns).filter(([, column]) => column instanceof Column).map(([name, column]) => [name, Array.from({ length: column.length }, (_, row) => { const value = column.get(row); return typeof value !== "number" ? value : Number.isNaN(value) ? null : Report.rounded(value); })]));

Report.twin = async () => {
  const each = async (said, kind) => Promise.all(said.map(async (_, index) => Report.asLists(await Report.columns(`${kind}-${index}`))));
  return { format: "aiida-mlhull report 1", ...Report.sections, candidates: Report.asLists(Report.table.columns), rounds: await each(Report.sections.rounds_said, "round"), stages: await each(Report.sections.stages_said, "stage") };
};

Report.allCsv = () => {
  const { columns, fields, total } = Report.table, names = fields.map((field) => field.name), lines = [names.join(",")];
  for (let row = 0; row < total; row += 1) lines.push(names.map((name) => Report.csvCell(columns[name].get(row))).join(","));
  return `${lines.join("\n")}\n`;
};

Report.matbench = async () => {
  const { columns, total } = Report.table, more = await Report.columns("benchmark"), { model } = Report.sections;
  const wanted = { material_id: columns.id, formula: columns.formula, n_sites: columns.sites, volume: more.volume, energy_per_atom_mlhull: columns.energy, e_form_per_atom_mlhull: columns.formation, e_above_hull_mlhull: columns.above_hull, [`e_form_per_atom_${model}`]: columns.predicted_formation, [`e_form_per_atom_${model}_std`]: columns.sigma, protostructure_initial: more.protostructure_initial };
  const lines = [Object.keys(wanted).join(",")];
  for (let row = 0; row < total; row += 1) lines.push(Object.values(wanted).map((column) => (column ? Report.csvCell(column.get(row)) : "")).join(","));
  return `${lines.join("\n")}\n`;
};
