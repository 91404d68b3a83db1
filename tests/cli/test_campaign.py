"""One campaign in the terminal, and what the commands tell about it afterwards."""

from __future__ import annotations

import csv
import json
import re

import pytest

from tests.cli.conftest import Desk, run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("registered")]


@pytest.fixture(scope="module")
def finished(registered, tmp_path_factory):
    """What launch has printed, and the campaign's node."""
    from aiida_mlhull.graph import campaigns

    desk = Desk(tmp_path_factory.mktemp("desk"))
    result = run("launch", desk.campaign(), "--foreground")
    assert result.exit_code == 0, result.output
    return result.output, campaigns.newest()[0]


def test_progress_then_the_report(finished):
    output, node = finished
    assert node.is_finished_ok
    assert "final, round 0: 16 of 59 relaxed" in output
    assert "final, round 1: 24 of 59 relaxed" in output
    assert "final, round 2: 32 of 59 relaxed" in output
    assert f"Campaign {node.pk} (arsenides), seed 3: all rounds are done" in output
    assert run("report", node.pk).output.strip() in output


def test_the_report_adds_up(finished):
    _, node = finished
    said = " ".join(run("report").output.split())
    funnel = node.outputs.summary["funnel"]
    assert f"candidates 59 start set 16 relaxed to the end 32 on the hull {funnel['on_hull']}" in said
    assert "final recorded 32 0 19,360 605 nominal" in said
    assert "models: fit trees_gp 4" in said
    assert "models: predict trees_gp 2" in said
    assert "would cost 35,695 (46% saved)" in said


def test_rounds_account_for_everybody(finished):
    from aiida_mlhull.graph import results

    counts = results.rounds(finished[1].pk)
    assert [(c.number, c.asked, c.kept, c.waiting, c.rejected, c.relaxed) for c in counts] == [
        (1, 43, 8, 4, 31, 24),
        (2, 35, 8, 4, 23, 32),
    ]


def test_pictures_and_tables(finished, tmp_path):
    folder = tmp_path / "report"
    result = run("report", finished[1].pk, "--output", folder)
    assert result.exit_code == 0, result.output
    for system in ("As-Be-Rb", "As-Cd-Rb", "As-Be", "As-Cd", "As-Rb"):
        assert (folder / f"phase_diagram_{system}.png").read_bytes().startswith(b"\x89PNG")
        assert "plotly" in (folder / f"phase_diagram_{system}.html").read_text()
    assert len(list(csv.DictReader((folder / "candidates.csv").open()))) == 59
    results = list(csv.DictReader((folder / "results.csv").open()))
    assert len(results) == 32
    done = [row for row in results if row["energy_ev_per_atom"]]
    stable = [row for row in done if row["on_hull"] == "true"]
    assert all(json.loads(row["decomposition"]) for row in done)
    assert stable
    assert all((row["chemical_potential_windows_ev"] != "{}") == (row in stable) for row in done)
    assert len(list(csv.DictReader((folder / "rounds.csv").open()))) == 2
    phases = list(csv.DictReader((folder / "phases.csv").open()))
    assert len(phases) == finished[1].outputs.summary["funnel"]["on_hull"]
    assert (folder / "phases.cif").read_text().count("data_") == len(phases)


def test_a_map_of_what_was_relaxed(finished, tmp_path):
    _, node = finished
    relaxed = node.outputs.summary["funnel"]["relaxed"]
    page = tmp_path / "map.html"
    result = run("map", node.pk, "--x", "volume", "--y", "e_above_hull", "--by", "system", "-o", page)
    assert f"{relaxed:,} of {relaxed:,} rows on the map" in result.output
    asked = run("map", node.pk, "--x", "predicted", "--y", "energy", "-o", page)
    shown = int(asked.output.split(" of ")[0].split()[-1].replace(",", ""))
    assert 0 < shown < relaxed  # no model was asked about the start set


def test_status(finished):
    _, node = finished
    assert "No campaign is running" in run("status").output
    row = next(line.split() for line in run("status", "--all").output.splitlines() if line.split()[0] == str(node.pk))
    assert row[1:6] == ["arsenides", "finished", "final", "2", "32"]
    assert "all rounds" not in run("status", node.pk).output
    assert "rounds_done" in run("status", node.pk).output


def test_the_history_of_a_phase_names_models_and_structure(finished):
    from aiida_mlhull.graph import results

    _, node = finished
    found = results.phases(node)
    identifier = str(found.ids[0])
    result = run("history", identifier)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert f"campaign {node.pk}" in lines[0]
    assert "candidates.parquet row" in lines[1]
    assert re.search(rf"structure +{results.structures(node.pk)[identifier]}\n", result.output)
    assert f"{found.energies[0]:.4f} eV/atom, 605 core-minutes (nominal)" in result.output
    assert any("outcome" in line and "on_hull" in line for line in lines)


def test_the_history_of_a_rejected_candidate_says_why(finished, tmp_path):
    _, node = finished
    target = tmp_path / "rejected.csv"
    result = run("rejected", "--round", 1, "-o", target)
    assert result.exit_code == 0
    rows = list(csv.DictReader(target.open()))
    assert "8 kept, 4 kept but waiting for a place, 31 rejected" in result.output
    assert len(rows) == 31
    row = rows[0]
    story = run("history", row["id"], "--campaign", node.pk).output
    line = next(line for line in story.splitlines() if "round 1" in line)
    assert float(row["value"]) > float(row["threshold"]) == 12
    assert line.split("dropped")[1].split()[1:4] == [row["value"], row["threshold"], row["margin"]]
    ensemble = result.output.split("models: ensemble ")[1].split(",")[0]
    assert f"2 x trees_gp <{ensemble}>" in line


def test_every_candidate_has_a_story_that_ends_with_an_outcome(finished):
    from aiida_mlhull.graph import history, results

    _, node = finished
    outcomes = results.outcomes(node)
    for row in range(0, len(outcomes), 7):
        told = history.events(node, str(outcomes.ids[row]))
        assert [event.pk for event in told] == sorted(event.pk for event in told)
        assert told[-1].what == "outcome"
        assert told[-1].reason == outcomes.reasons[row]
        assert any(event.outcome == "relaxed" for event in told) == bool(outcomes.keep[row])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("history", "BN"), "no candidate 'BN'"),
        (("rejected", "--round", 9), "has decided nothing in round 9"),
        (("rejected", "--round", 1, "--stage", "volume"), "before stage volume"),
        (("status", "999999999"), "there is no node 999999999"),
        (("report", "arsenides-of-the-moon"), "there is no node"),
    ],
)
def test_questions_without_an_answer(finished, arguments, said):
    result = run(*arguments)
    assert result.exit_code != 0
    assert said in result.output
    assert "Traceback" not in result.output


def test_a_node_that_is_no_campaign(finished):
    result = run("report", finished[1].outputs.summary.pk)
    assert result.exit_code != 0
    assert "not a campaign" in result.output
