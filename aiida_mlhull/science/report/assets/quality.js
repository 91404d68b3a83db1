"use strict";
// How good the models were, round by round.

Report.POSITIONS = new Map([
  "H . . . . . . . . . . . . . . . . He",
  "Li Be . . . . . . . . . . B C N O F Ne",
  "Na Mg . . . . . . . . . . Al Si P S Cl Ar",
  "K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr",
  "Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe",
  "Cs Ba Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn",
  "Fr Ra Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og",
  ". . La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb",
  ". . Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No",
].flatMap((line, y) => line.split(" ").map((symbol, x) => [symbol, [x, y]])).filter(([symbol]) => symbol !== "."));

Report.periodicTable = (elements) => {
  const largest = Math.max(...elements.map((one) => one.mae), 1e-9), known = new Map(elements.map((one) => [one.element, one]));
  const cells = [...Report.POSITIONS].map(([symbol, [x, y]]) => {
    const one = known.get(symbol), share = one ? one.mae / largest : 0;
    const style = `grid-column: ${x + 1}; grid-row: ${y + 1};${one ? ` background: rgb(${255 - 20 * share}, ${250 - 130 * share}, ${240 - 190 * share})` : ""}`;
    return Report.make("div", { style, class: one ? "known" : null, title: one ? `${symbol}: MAE ${(1000 * one.mae).toFixed(0)} meV/atom over ${one.rows} rows, mean error ${(1000 * one.bias).toFixed(0)}` : symbol },
      Report.make("b", {}, symbol), one ? (1000 * one.mae).toFixed(0) : "");
  });
  return Report.make("div", { class: "elements" }, ...cells);
};

Report.plot = (parent, data, layout) => {
  const chart = Report.make("div", { class: "plot" });
  parent.append(chart);
  Plotly.newPlot(chart, data, { ...Report.LOOK, legend: { x: 0.99, y: 0.99, xanchor: "right", bgcolor: "#ffffffc0", font: { size: 10 } }, ...layout }, { ...Report.CONFIG, displayModeBar: false });
  return chart;
};

Report.axes = (x, y, more = {}) => ({ xaxis: { ...Report.AXIS, title: { text: x }, ...(more.x ?? {}) }, yaxis: { ...Report.AXIS, title: { text: y }, ...(more.y ?? {}) } });

// What every batch has found, and what that is made of; then right and wrong by both conventions.
Report.drawFound = (body) => {
  const { found, quality } = Report.sections;
  const rate = (value) => (value === null || value === undefined ? "–" : value.toFixed(3));
  if (!found.batches) return;
  body.append(Report.make("h3", {}, "What every batch has found"), Report.make("p", { class: "hint" }, "Results below the hull of what was known before the campaign. The start set is drawn at random: what later batches find beyond its share is the models' doing."),
    Report.plainTable(["batch", "calculated", "failed", "below the known hull", "on it or below", "precision", "so far", "times the start set's"], found.batches.map((one) => [one.batch, Report.count(one.calculated), one.failed, Report.count(one.below), Report.count(one.at_most_on), rate(one.precision), rate(one.precision_so_far), rate(one.enrichment)])));
  const shares = (named) => Object.entries(named).map(([name, [here, there]]) => `${name} ${Report.percent(here)} (${Report.percent(there)})`).join(", ");
  if (found.rows) body.append(Report.pairs([["found in systems with a known compound", Report.count(found.in_known_systems)], ["found in systems without any", Report.count(found.in_new_systems)], ["elements, in brackets of all calculated", shares(found.elements)], ["space groups", shares(found.space_groups)]]));
  if (quality.rounds.length) body.append(Report.make("h3", {}, "Stable or not, in two conventions"), Report.make("p", { class: "hint" }, "matbench-discovery: at most on the hull. Thesis (Goodall 2021): strictly below it, with σ on top of the prediction."),
    Report.plainTable(["round", "convention", "rows", "prevalence", "precision", "recall", "F1", "enrichment (DAF)"], quality.rounds.flatMap((one) => [["matbench-discovery", one.confusion], ["thesis", one.thesis]].map(([name, by]) => [one.title, name, Report.count(one.compared), rate(by.prevalence), rate(by.precision), rate(by.recall), rate(by.f1), rate(by.daf)])), { words: [1] }));
};

Report.drawQuality = () => {
  const body = document.querySelector("#models .body"), { rounds, against, discovery, rules } = Report.sections.quality;
  Report.drawFound(body);
  if (!rounds.length) { body.append(Report.make("p", {}, "There is no prediction that could be compared with a result.")); return; }
  body.append(Report.make("p", { class: "hint" }, against === "record" ? "Held against the record: the truth about every candidate is known." : "Held against what was relaxed afterwards: what the models thought hopeless is missing, so these numbers are of a selection."));
  const rate = (value) => (value === null ? "–" : value.toFixed(3));
  body.append(Report.plainTable(["round", "compared", "MAE (meV/atom)", "mean error / σ", "spread of error / σ", "in 68 %", "in 95 %", "F1", "DAF", "precision", "recall", "recall promised", "recall kept"],
    rounds.map((one) => [one.title, Report.count(one.compared), one.numbers ? (1000 * one.numbers.mae).toFixed(0) : "–", rate(one.numbers && one.numbers.z_mean), rate(one.numbers && one.numbers.z_std), Report.percent(one.numbers && one.numbers.coverage["0.68"]), Report.percent(one.numbers && one.numbers.coverage["0.95"]), rate(one.confusion.f1), rate(one.confusion.daf), rate(one.confusion.precision), rate(one.confusion.recall), rate(one.recall.promised), rate(one.recall.kept)])));
  const choose = Report.make("select", { id: "quality-round" }, ...rounds.map((one, index) => Report.make("option", { value: index, selected: index === 0 }, one.title)));
  const grid = Report.make("div", { class: "grid" }), elements = Report.make("div", { id: "elements" });
  body.append(Report.make("div", { class: "controls", style: "margin-top: 1rem" }, Report.make("label", {}, "round ", choose)), grid,
    Report.make("h3", {}, "Mean absolute error by element (meV/atom)"), elements);
  const draw = () => {
    const one = rounds[Number(choose.value)];
    grid.replaceChildren();
    Report.parity(grid, one);
    Report.calibration(grid, one);
    Report.rolling(grid, one);
    if (Object.keys(discovery).length) Report.enrichment(grid, discovery, against);
    elements.replaceChildren(Report.periodicTable(one.elements));
  };
  choose.addEventListener("change", draw);
  draw();
  for (const [title, compared] of Object.entries(rules)) {
    const truth = compared.outcomes.some((one) => one.recall !== null);
    body.append(Report.make("h3", {}, `What every keep-rule would have done: ${title}, ${Report.count(compared.rows)} candidates`),
      Report.plainTable(["rule", "kept", "share", "core-minutes saved", ...(truth ? ["recall", "within 25 meV", "precision"] : [])],
        compared.outcomes.map((one) => [one.rule, Report.count(one.kept), Report.percent(one.kept_fraction), Report.count(Math.round(one.saved_core_minutes)), ...(truth ? [rate(one.recall), rate(one.recall_25mev), rate(one.precision)] : [])])),
      Report.make("p", { class: "hint" }, compared.remarks.join("; ")));
  }
};

Report.parity = (grid, one) => {
  const { ids, true: truth, predicted, sigma } = one.parity, low = Math.min(...truth, ...predicted), high = Math.max(...truth, ...predicted);
  Report.plot(grid, [
    { x: [low, high], y: [low, high], mode: "lines", line: { color: "#98a1b0", width: 1 }, hoverinfo: "skip", showlegend: false },
    { x: truth, y: predicted, mode: "markers", type: "scatter", marker: { size: 5, opacity: 0.7, color: sigma.map((value) => 1000 * value), colorscale: "Viridis", showscale: true, colorbar: { title: { text: "σ (meV)" }, thickness: 10 } }, text: ids.map(Report.escape), hovertemplate: "%{text}<br>true %{x:.3f}, predicted %{y:.3f} eV/atom<extra></extra>", showlegend: false },
  ], { title: { text: "Parity", font: { size: 13 } }, ...Report.axes("true distance from the hull (eV/atom)", "predicted (eV/atom)") });
};

Report.calibration = (grid, one) => {
  if (!one.calibration) return;
  Report.plot(grid, [
    { x: [0, 1], y: [0, 1], mode: "lines", line: { color: "#98a1b0", width: 1 }, hoverinfo: "skip", showlegend: false },
    { x: one.calibration.level, y: one.calibration.share, mode: "lines", line: { color: "#2166ac", shape: "hv" }, hovertemplate: "level %{x:.2f}: %{y:.2f} inside<extra></extra>", showlegend: false },
  ], { title: { text: `Calibration (miscalibration area ${one.numbers.miscalibration_area.toFixed(3)})`, font: { size: 13 } }, ...Report.axes("level of the central interval", "share of the errors within", { x: { range: [0, 1] }, y: { range: [0, 1] } }) });
};

Report.rolling = (grid, one) => {
  const { centers, mae, standard_error: spread, counts } = one.rolling, rows = centers.map((_, i) => i).filter((i) => mae[i] !== null);
  const highest = Math.max(0.1, ...rows.map((i) => mae[i]));
  Report.plot(grid, [
    { x: [-highest, 0, highest], y: [highest, 0, highest], mode: "lines", fill: "tozeroy", fillcolor: "#fbe9e7", line: { color: "#e7b8b0", width: 1 }, name: "error larger than the distance", hoverinfo: "skip" },
    { x: rows.map((i) => centers[i]), y: rows.map((i) => mae[i]), error_y: { type: "data", array: rows.map((i) => spread[i] ?? 0), thickness: 0.8, width: 0 }, mode: "lines", line: { color: "#2166ac" }, text: rows.map((i) => counts[i]), hovertemplate: "%{x:.3f}: MAE %{y:.3f} eV/atom, %{text} rows<extra></extra>", name: "rolling MAE, 40 meV windows" },
  ], { title: { text: "Error along the distance from the hull", font: { size: 13 } }, ...Report.axes("true distance from the hull (eV/atom)", "MAE (eV/atom)", { x: { range: [-0.22, 0.32] }, y: { range: [0, highest * 1.05] } }) });
};

Report.enrichment = (grid, discovery, against) => {
  const colors = ["#1b7837", "#2166ac", "#e08214"];
  const traces = Object.entries(discovery).map(([limit, curve], i) => ({ x: curve.calculations, y: curve.enrichment, customdata: curve.recall.map((recall, at) => [curve.hits[at], recall]), mode: "lines", line: { color: colors[i] }, name: Number(limit) ? `within ${(1000 * limit).toFixed(0)} meV/atom (${curve.total})` : `on the hull (${curve.total})`, hovertemplate: "after %{x}: %{customdata[0]} found, recall %{customdata[1]:.2f}, enrichment %{y:.2f}<extra></extra>" }));
  Report.plot(grid, traces, { title: { text: `Enrichment${against === "record" ? "" : " among the relaxed"}`, font: { size: 13 } }, ...Report.axes("candidates relaxed", "enrichment factor", { y: { rangemode: "tozero" } }) });
};
