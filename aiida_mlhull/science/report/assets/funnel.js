"use strict";
// The flow of all candidates; what is clicked chooses rows of the table.

Report.KINDS = { all: "#4d5b73", stage: "#2166ac", gate: "#92a9cc", near: "#7fbf7b", hull: "#1b7837", above: "#e6a556", left: "#b9bec8", waits: "#d8c58f" };

Report.drawFunnel = async () => {
  const { nodes, links } = Report.sections.funnel, chart = document.getElementById("funnel-chart"), { columns } = Report.table;
  const faded = (color) => `${color}55`;
  await Plotly.newPlot(chart, [{
    type: "sankey", arrangement: "fixed", valueformat: ",d",
    node: { label: nodes.map((node) => `${Report.escape(node.name.replaceAll("_", " "))} (${Report.count(node.count)})`), color: nodes.map((node) => Report.KINDS[node.kind]), pad: 16, thickness: 14, align: "left", line: { width: 0 }, hovertemplate: "%{label}<extra></extra>" },
    link: { source: links.map((link) => link.source), target: links.map((link) => link.target), value: links.map((link) => link.count), color: links.map((link) => faded(Report.KINDS[nodes[link.target].kind])), label: links.map((link) => (link.start_set ? "start set" : "")), hovertemplate: "%{value} %{label}<extra></extra>" },
  }], { ...Report.LOOK, margin: { l: 10, r: 10, t: 10, b: 10 }, font: { ...Report.LOOK.font, size: 12 } }, Report.CONFIG);
  chart.on("plotly_click", ({ points: [point] }) => {
    const isLink = point.source !== undefined && point.target !== undefined && point.source !== null && typeof point.source === "object";
    const chosen = isLink ? links[point.pointNumber] : nodes[point.pointNumber];
    const words = isLink ? `${nodes[chosen.source].name} → ${nodes[chosen.target].name}` : chosen.name;
    Report.choose(words, chosen);
  });
};

Report.choose = (words, chosen) => {
  const { columns } = Report.table, ends = new Set(chosen.ends), start = chosen.start_set;
  const good = columns.end.words.map((word) => ends.has(word));
  Report.table.mark("funnel", words, (row) => good[columns.end.codes[row]] && (start === undefined || start === null || Boolean(columns.start_set.values[row]) === start));
  document.getElementById("candidates").scrollIntoView();
};
