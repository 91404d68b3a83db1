"""The report of a real campaign, from Python, from the command line and on localhost."""

from __future__ import annotations

import json
import threading
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.cli.conftest import run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(finished):
    return finished.report()


def test_it_counts_as_the_campaign_does(finished, report):
    funnel, now = finished.funnel(), report.sections["now"]
    assert now["candidates"] == len(report.candidates["id"]) == funnel["candidates"]
    assert now["relaxed"] == funnel["relaxed"]
    assert now["on_hull"] == funnel["on_hull"]
    assert [one["title"] for one in report.sections["rounds_said"]] == ["final, round 1", "final, round 2"]
    assert sum(one["results"] for one in now["arrivals"]) == funnel["relaxed"] + funnel["failed"]
    assert report.sections["cost"]["spent"] == pytest.approx(finished.savings()[0])
    assert report.sections["head"]["uuid"] == finished.node.uuid
    assert report.sections["quality"]["against"] == "record"
    assert "final" in now["progress"]


def test_results_name_the_process_that_gave_them(finished, report):
    from aiida import orm

    relaxed = report.candidates["process"] > 0
    assert relaxed.sum() == report.sections["now"]["relaxed"]
    pks = set(report.candidates["process"][relaxed].tolist())
    assert all(isinstance(orm.load_node(pk), orm.CalculationNode) for pk in pks)


def test_files_from_the_command_line(finished, tmp_path):
    page, table = tmp_path / "a.html", tmp_path / "a.csv"
    result = run("report", finished.pk, "--html", page, "--json", "--matbench", table)
    assert result.exit_code == 0, result.output
    assert result.stderr.count("written: ") == 2
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert json.loads(result.stdout)["head"]["pk"] == finished.pk
    assert table.read_text().startswith("material_id,formula,")


def test_served_on_this_machine_only(finished):
    from aiida_mlhull.launching.serving import ReportServer

    server = ReportServer(finished)
    assert not server.refresh()  # nothing has happened since
    done = threading.Event()
    answers = []

    def ask():
        try:
            answers.append(urlopen(server.address).read()[:15])
            answers.append(json.loads(urlopen(f"{server.address}state").read())["written"])
            for url, host in ((f"{server.address}other", None), (server.address, "evil.example:80")):
                try:
                    urlopen(Request(url, headers={"Host": host} if host else {}))
                except HTTPError as error:
                    answers.append(error.code)
        finally:
            done.set()

    asking = threading.Thread(target=ask)
    asking.start()
    server.serve(until=done.is_set)
    asking.join()
    server.server_close()
    assert answers == [b"<!DOCTYPE html>", server.report.sections["head"]["written"], 404, 403]
