"""The page in Chromium: sorting, filtering, slider, hover, click, downloads; nothing in the console, nobody asked."""

from __future__ import annotations

import csv
import json
import time

import pytest

from benchmarks.browser import browser, missing, requests, wait_until_ready
from benchmarks.report import HOSTILE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=f"THE REPORT'S PAGE IS NOT TESTED: {missing()}"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def page(report, folder):
    path = folder / "page.html"
    report.write(path)
    with browser(downloads=folder) as driver:
        driver.get(path.as_uri())
        wait_until_ready(driver)
        driver.execute_async_script("Report.drawAll().then(arguments[0])")
        yield driver
        asked = requests(driver)
        complaints = [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
        assert not asked
        assert not complaints


def ask(page, script, *arguments):
    return page.execute_script(f"return {script}", *arguments)


def wait(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("nothing happened")


def find(page, selector):
    return page.find_element("css selector", selector)


@pytest.fixture(autouse=True)
def fresh(page):
    """Every test begins with all candidates."""
    page.execute_script("Report.table.clear(); document.getElementById('crystal').hidden = true;")


def shown_ids(page):
    return ask(page, "Array.from(Report.table.rows, (row) => Report.table.columns.id.get(row))")


def test_charts_are_drawn_when_one_scrolls_near(report, folder):
    path = folder / "lazy.html"
    report.write(path)
    with browser(height=700) as driver:
        driver.get(path.as_uri())
        wait_until_ready(driver)
        assert find(driver, "#arrivals").find_elements("css selector", ".main-svg")
        assert not driver.find_elements("css selector", "#models .plot")
        driver.execute_script("document.getElementById('models').scrollIntoView({behavior: 'instant'})")
        wait(lambda: len(driver.find_elements("css selector", "#models .plot .main-svg")) >= 4)
        assert not requests(driver)


def test_a_crowded_diagram_says_what_it_leaves_out(page, report):
    systems = report.sections["diagrams"]["systems"]
    choose(page, "cut", 5000)
    page.execute_script("Report.MOST_MARKS = 2")
    choose(page, "system", next(i for i, one in enumerate(systems) if len(one["elements"]) == 2))
    wait(lambda: "of those below it the lowest 2" in find(page, "#phase-hint").text)
    assert find(page, "#phase-chart").get_attribute("data-shown") == "2"
    page.execute_script("Report.MOST_MARKS = 3000")
    choose(page, "cut", 150)


def test_ids_are_text(page, report):
    assert sorted(shown_ids(page)) == report.candidates["id"].tolist()
    assert page.title == "made-up (1234567)"  # no script of an id has run
    page.execute_script("Report.table.filters.set('id', 'script'); Report.table.apply();")
    cell = wait(
        lambda: [one for one in page.find_elements("css selector", "#table .row .cell") if "script" in one.text]
    )
    assert cell[0].text == HOSTILE[0]
    assert not ask(page, "document.querySelectorAll('#table script, #crystal script').length")


def test_sorting_by_a_click(page, report):
    page.execute_script("document.getElementById('candidates').scrollIntoView({behavior: 'instant'})")
    head = find(page, "[data-sort=formula]")
    head.click()
    formulas = ask(page, "Array.from(Report.table.rows, (row) => Report.table.columns.formula.get(row))")
    assert formulas == sorted(formulas)
    find(page, "[data-sort=formula]").click()
    formulas = ask(page, "Array.from(Report.table.rows, (row) => Report.table.columns.formula.get(row))")
    assert formulas == sorted(formulas, reverse=True)
    find(page, "[data-sort=above_hull]").click()
    values = ask(page, "Array.from(Report.table.rows, (row) => Report.table.columns.above_hull.get(row))")
    known = [value for value in values if isinstance(value, float | int)]
    assert known == sorted(known)
    assert values[: len(known)] == known  # missing ones come last


def test_filters_that_are_typed(page, report):
    page.execute_script("document.getElementById('candidates').scrollIntoView({behavior: 'instant'})")
    find(page, "[data-filter=above_hull]").send_keys("<0.05")
    expected = int((report.candidates["above_hull"] < 0.05).sum())
    wait(lambda: int(find(page, "#table").get_attribute("data-rows")) == expected)
    find(page, "[data-filter=space_group_before]").send_keys("no such group")
    wait(lambda: find(page, "#table").get_attribute("data-rows") == "0")
    find(page, "#clear-filters").click()
    wait(lambda: int(find(page, "#table").get_attribute("data-rows")) == len(report.candidates["id"]))


def test_only_rows_in_sight_are_in_the_document(page, report):
    assert len(page.find_elements("css selector", "#table .row")) < 60
    page.execute_script("document.querySelector('.virtual').scrollTop = 1e9")
    last = ask(page, "Report.table.columns.id.get(Report.table.rows.at(-1))")
    wait(lambda: any(last in row.text for row in page.find_elements("css selector", "#table .row")))


def test_a_place_in_the_funnel_filters_the_table(page, report):
    nodes = report.sections["funnel"]["nodes"]
    chosen = next(node for node in nodes if node["name"] == "≤ 50 meV")
    position = nodes.index(chosen)
    page.execute_script("document.getElementById('funnel').scrollIntoView({behavior: 'instant'})")
    rectangles = page.find_elements("css selector", "#funnel-chart .sankey-node .node-rect")
    assert len(rectangles) == len(nodes)
    drawn = ask(
        page,
        "Array.from(document.querySelectorAll('#funnel-chart .sankey-node'), (one) => one.__data__.node.pointNumber)",
    )
    from selenium.webdriver import ActionChains

    ActionChains(page).move_to_element(rectangles[drawn.index(position)]).click().perform()
    wait(lambda: int(find(page, "#table").get_attribute("data-rows")) == chosen["count"])
    assert "≤ 50 meV" in find(page, "#chips").text
    find(page, "#chips button").click()
    wait(lambda: int(find(page, "#table").get_attribute("data-rows")) == len(report.candidates["id"]))


def choose(page, identifier, value):
    page.execute_script(
        "const one = document.getElementById(arguments[0]); one.value = arguments[1];"
        "one.dispatchEvent(new Event('input', {bubbles: true})); one.dispatchEvent(new Event('change', {bubbles: true}));",
        identifier,
        str(value),
    )


def test_the_slider_goes_through_the_rounds(page, material):
    choose(page, "cut", 5000)
    for step, said in enumerate(["the start set", "final, round 1", "final, round 2", "final, round 3", "the end"]):
        choose(page, "round", step)
        wait(lambda step=step: find(page, "#phase-chart").get_attribute("data-step") == str(step))
        assert find(page, "#round-said").text == said
        relaxed = page.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            f"Report.diagrams.points(0, {step}).then((all) => done(all.filter((one) => one.state === 'relaxed').map((one) => Report.table.columns.id.get(one.row))));"
        )
        let_in = set(material.started)
        for one in material.rounds[: min(step, 4) - 1 if step < 4 else 3] if step else []:
            let_in |= set(one.decisions.ids[one.decisions.keep].tolist())
        assert set(relaxed) <= let_in
    assert relaxed


@pytest.mark.parametrize("elements", [2, 3, 4])
def test_diagrams_of_two_to_four_elements(page, report, elements):
    systems = report.sections["diagrams"]["systems"]
    index = next(i for i, one in enumerate(systems) if len(one["elements"]) == elements)
    choose(page, "cut", 400)
    choose(page, "system", index)
    wait(lambda: ask(page, "document.querySelector('#phase-chart').layout.uirevision").startswith(f"{index}"))
    kinds = set(ask(page, "document.querySelector('#phase-chart').data.map((one) => one.type)"))
    assert ("scatter3d" in kinds) == (elements == 4)
    if elements == 3:
        choose(page, "view", "solid")
        wait(lambda: "mesh3d" in ask(page, "document.querySelector('#phase-chart').data.map((one) => one.type)"))
        low, high = ask(page, "document.querySelector('#phase-chart').layout.scene.zaxis.range")
        assert high <= 0.46  # the cut, not the outliers, is where the axis ends
        assert low < 0
        choose(page, "view", "flat")


def test_hover_and_click_on_a_mark(page, report):
    systems = report.sections["diagrams"]["systems"]
    choose(page, "cut", 5000)
    choose(page, "system", next(i for i, one in enumerate(systems) if len(one["elements"]) == 2))
    choose(page, "round", 4)
    page.execute_script("document.getElementById('phases').scrollIntoView({behavior: 'instant'})")
    wait(
        lambda: ask(
            page,
            "document.querySelector('#phase-chart').data.some((one) => one.customdata && one.customdata.some((row) => row >= 0))",
        )
    )
    time.sleep(0.5)
    place = ask(
        page,
        "(() => { const chart = document.querySelector('#phase-chart'), {xaxis, yaxis} = chart._fullLayout, box = chart.getBoundingClientRect();"
        "const trace = chart.data.find((one) => one.name && one.name.startsWith('relaxed')), at = 0;"
        "return [box.x + xaxis._offset + xaxis.d2p(trace.x[at]), box.y + yaxis._offset + yaxis.d2p(trace.y[at]), trace.customdata[at]]; })()",
    )
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.actions.action_builder import ActionBuilder

    mouse = ActionBuilder(page)
    mouse.pointer_action.move_to_location(int(place[0]), int(place[1]))
    mouse.perform()
    said = wait(lambda: page.find_elements("css selector", "#phase-chart .hoverlayer .hovertext"))
    assert "meV/atom above the hull" in said[0].text
    ActionChains(page).click().perform()
    wait(lambda: find(page, "#crystal").is_displayed())
    wait(lambda: page.find_elements("css selector", "#crystal-title"))
    assert "formula" in find(page, "#chips").text


def test_a_row_shows_structure_history_and_cif(page, report, material, folder):
    page.execute_script("document.getElementById('candidates').scrollIntoView({behavior: 'instant'})")
    page.execute_script("Report.table.filters.set('reason', '=on_hull'); Report.table.apply();")
    row = wait(lambda: page.find_elements("css selector", "#table .row"))[0]
    number = int(row.get_attribute("data-row"))
    row.click()
    wait(lambda: ask(page, "document.querySelector('#crystal .viewer')?.dataset.atoms"))
    name = str(report.candidates["id"][number])
    assert name in find(page, "#crystal-title").text
    history = find(page, "#crystal table").text
    assert "core-minutes" in history
    assert "outcome on_hull" in history
    find(page, "#cif").click()
    path = wait(lambda: next(iter(folder.glob("*.cif")), None))
    from pymatgen.core import Structure

    wait(lambda: path.stat().st_size)
    cell = Structure.from_file(path)
    done = material.results
    theirs = done.crystals.structure(int(done.positions([name])[0]))
    assert cell.composition == theirs.composition
    assert cell.volume == pytest.approx(theirs.volume, rel=1e-5)
    page.find_element("css selector", "#crystal .close").click()
    assert not find(page, "#crystal").is_displayed()


def downloaded(page, folder, button, name):
    page.execute_script("document.getElementById(arguments[0]).click()", button)
    path = folder / name
    wait(path.exists)
    wait(lambda: path.stat().st_size)
    return path.read_text(encoding="utf-8")


def test_csv_of_what_is_shown(page, report, folder):
    page.execute_script("Report.table.filters.set('reason', '=on_hull'); Report.table.apply();")
    rows = list(csv.DictReader(downloaded(page, folder, "csv", "candidates.csv").splitlines()))
    assert len(rows) == report.sections["now"]["on_hull"]


def test_all_as_csv_is_guarded(page, report, folder):
    rows = list(csv.DictReader(downloaded(page, folder, "all-csv", "made-up.csv").splitlines()))
    assert len(rows) == len(report.candidates["id"])
    ids = [row["id"] for row in rows]
    for name in ("=1+1", "+cmd", "-2", "@SUM(A1)"):
        assert f"'{name}" in ids
        assert name not in ids


def test_the_twin_and_the_benchmark_are_those_that_python_writes(page, report, folder):
    ours, theirs = json.loads(downloaded(page, folder, "json", "made-up.json")), json.loads(report.to_json())
    assert ours.keys() == theirs.keys()
    assert ours["candidates"]["id"] == theirs["candidates"]["id"]
    energies = [[one for one in twin["candidates"]["energy"] if one is not None] for twin in (ours, theirs)]
    assert energies[0] == pytest.approx(energies[1], rel=1e-6)
    header = downloaded(page, folder, "matbench", "made-up-matbench.csv").splitlines()[0]
    assert header == report.to_matbench().splitlines()[0]


def test_models_by_round(page, report):
    choose(page, "quality-round", 2)
    wait(lambda: len(page.find_elements("css selector", "#models .plot .main-svg")) >= 4)
    assert len(page.find_elements("css selector", "#elements .known")) == len(
        report.sections["quality"]["rounds"][2]["elements"]
    )
    said = find(page, "#models").text
    first = report.sections["found"]["batches"][0]
    assert f"start set {first['calculated']} {first['failed']} {first['below']} " in said
    assert said.count("matbench-discovery") == 1 + len(report.sections["quality"]["rounds"])


def test_sections_say_what_they_have(page, report):
    texts = {name: find(page, f"#{name}").text for name in ("head", "now", "cost", "trust", "methods")}
    assert "two_sigma" in texts["head"]
    assert "1234567" in texts["head"]  # pks have no separators
    assert "kWh" in texts["cost"]
    assert "most regrettable" in texts["trust"]
    claimed = report.sections["trust"]["promise"]
    assert f"{100 * claimed['claim']:.1f} %\nfound, by the models" in texts["trust"]
    assert f"{100 * claimed['audits']['60']:.1f} % with 60 rows" in find(page, "#audits").text
    assert "Hardly explored around" in texts["trust"]
    assert "@article{ekstrom2022" in find(page, "#bibtex").text
