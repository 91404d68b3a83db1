"use strict";
// Everything is brought up in the order in which it is read; the page says when it is ready.

Report.start = async () => {
  document.body.dataset.begun = performance.now().toFixed(0);
  Report.sections = JSON.parse(new TextDecoder().decode(await Report.bytes("sections")));
  document.getElementById("contents").append(...[...document.querySelectorAll("main section")].map((section) => Report.make("a", { href: `#${section.id}` }, section.querySelector("h2").textContent)));
  Report.drawHead();
  Report.table = new CandidateTable(Report.sections.fields, await Report.columns("rows"), { pick: (row) => Report.show(row) });
  Report.drawNow();
  Report.diagrams = new PhaseDiagrams();
  Report.drawCost();
  Report.drawTrust();
  Report.drawMethods();
  document.body.dataset.table = performance.now().toFixed(0);
  await Report.recall();
  await Report.drawNear();
  document.body.dataset.ready = performance.now().toFixed(0);
  Report.follow();
};

// Charts of a section are drawn when they come within half a screen of the window, and all of them before printing.
Report.charts = new Map([["now", () => Report.drawArrivals()], ["funnel", () => Report.drawFunnel()], ["phases", () => Report.diagrams.draw()], ["models", () => Report.drawQuality()]]);
Report.drawn = new Map();

Report.draw = (id) => {
  if (!Report.drawn.has(id)) Report.drawn.set(id, Report.library("plotly.min.js").then(Report.charts.get(id)));
  return Report.drawn.get(id);
};

Report.drawAll = () => Promise.all([...Report.charts.keys()].map(Report.draw));
addEventListener("beforeprint", Report.drawAll);

// Resolves as soon as what can be seen at first is drawn.
Report.drawNear = () => new Promise((resolve) => {
  const observer = new IntersectionObserver((entries) => {
    const near = entries.filter((entry) => entry.isIntersecting).map((entry) => entry.target);
    near.forEach((section) => observer.unobserve(section));
    resolve(Promise.all(near.map((section) => Report.draw(section.id))));
  }, { rootMargin: "50% 0px" });
  Report.charts.forEach((_, id) => observer.observe(document.getElementById(id)));
});

// A report that is served is asked again as long as the campaign runs; a file asks nobody.
Report.follow = () => {
  if (!location.protocol.startsWith("http") || !Report.sections.head.running) return;
  setInterval(async () => {
    try {
      const answer = await fetch("state", { cache: "no-store" });
      const { written } = await answer.json();
      if (written !== Report.sections.head.written) { Report.remember(); location.reload(); }
    } catch { document.body.dataset.lost = "true"; } // the server has been stopped; what was shown stays
  }, 5000);
};

// Where somebody was is where they are again after a reload.
Report.remember = () => {
  const { table, diagrams } = Report;
  sessionStorage.setItem("place", JSON.stringify({ filters: [...table.filters], sorted: table.sorted, shown: table.shown, system: diagrams.system?.value, view: diagrams.view?.value, color: diagrams.color?.value, cut: diagrams.cut?.value, scroll: scrollY }));
};

Report.recall = async () => {
  if (!location.protocol.startsWith("http")) return;
  const place = JSON.parse(sessionStorage.getItem("place") ?? "null");
  if (!place) return;
  sessionStorage.removeItem("place");
  const { table, diagrams } = Report;
  Object.assign(table, { filters: new Map(place.filters), sorted: place.sorted, shown: place.shown });
  table.header();
  table.apply();
  for (const name of ["system", "view", "color", "cut"]) if (diagrams[name] && place[name] !== undefined) diagrams[name].value = place[name];
  await Report.drawAll(); // else the page isn't as long yet as it was
  scrollTo({ top: place.scroll, behavior: "instant" });
};

document.addEventListener("keydown", (event) => { if (event.key === "Escape") document.getElementById("crystal").hidden = true; });
Report.start();
