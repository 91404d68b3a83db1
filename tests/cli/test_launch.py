"""Whatever is wrong with a campaign is said in one line, before anything is stored."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import DEMO, run

pytestmark = pytest.mark.usefixtures("registered", "nothing_stored")


def first(change):
    """A column in which only the first value is changed."""
    return lambda values: [change(values[0]), *values[1:]]


def test_dry_run_tells_the_plan(desk):
    result = run("launch", desk.campaign(), "--dry-run")
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    for words in (
        "candidates 59",
        "compositions 6",
        "As-Be, As-Be-Rb, As-Cd, As-Cd-Rb, As-Rb",
        "final recorded top_n, 2 rounds 16 32 605",
        "nominal core-minutes: 9,680 to 19,360; 35,695 without models",
        "mlhull.candidates shard_000 59",
        "mlhull.labels record 59",
        "Dry run: nothing was stored.",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lattice_unrelaxed": first(lambda cell: [float("nan"), *cell[1:]])}, ["NaN or infinite"]),
        ({"frac_coords_unrelaxed": first(lambda xyz: [float("inf"), *xyz[1:]])}, ["NaN or infinite"]),
        ({"energy_per_atom_ev": first(lambda _: float("nan"))}, ["energ"]),
        ({"lattice_unrelaxed": first(lambda cell: [0.0] * 9)}, ["volume"]),
        ({"species_unrelaxed": first(lambda names: ["Xx", *names[1:]])}, ["element"]),
        ({"frac_coords_unrelaxed": first(lambda xyz: [*xyz[:3], *xyz[:3], *xyz[6:]])}, ["Å"]),
        ({"species_unrelaxed": first(lambda names: [names[-1], *names[1:]])}, ["composition"]),
        ({"structure_id": lambda ids: [ids[1], *ids[1:]]}, ["duplicate ids"]),
    ],
    ids=["nan_cell", "infinite_coordinate", "nan_energy", "flat", "element", "overlap", "composition", "duplicate"],
)
def test_bad_candidates(desk, changes, said):
    desk.table(**changes)
    refused(desk, {}, [*said, "candidates.parquet"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"candidate": "x"}, ["candidate: unknown key", "known: "]),
        ({"seed": "one"}, ["seed"]),
        ({"protocol": "fast"}, ["unknown protocol 'fast'", "ekstrom-2022", "laptop"]),
        ({"overrides": {"ensemble": {"model": "gnome"}}}, ["unknown model 'gnome'", "cgcnn"]),
        ({"overrides": {"stages": [{"name": "a", "engine": "qe"}]}}, ["unknown engine 'qe'", "potential", "recorded"]),
        (
            {"overrides": {"stages": [{"name": "a", "engine": "recorded", "gate": {"rule": "best"}}]}},
            ["unknown keep-rule 'best'", "two_sigma"],
        ),
        (
            {"overrides": {"stages": [{"name": "a", "engine": "recorded", "settings": {"fast": True}}]}},
            ["fast: unknown key"],
        ),
        ({"overrides": {"stages": [{"name": "a", "engine": "potential"}]}}, ["don't meet in one hull", "MP2020"]),
        (
            {"overrides": {"start": 2, "stages": [{"name": "a", "engine": "recorded", "gate": {}}]}},
            ["2 candidates to start with", "raise 'start'"],
        ),
        ({"jobs": {"processors": 3}}, ["processors: unknown key"]),
        ({"jobs": {"options": {"queue": "gpu"}}}, ["no option 'queue'", "queue_name"]),
        ({"jobs": {"options": {"max_memory_kb": "much"}}}, ["max_memory_kb"]),
        ({"code": "vasp@cluster"}, ["no code 'vasp@cluster'", "aiida-mlhull setup"]),
        ({"candidates": "nowhere.parquet"}, ["nowhere.parquet"]),
        ({"references": {"file": str(DEMO / "competing_phases.parquet")}}, ["missing_end_members"]),
    ],
)
def test_bad_campaign_files(desk, changes, said):
    refused(desk, changes, said)


def test_unreadable_and_empty_files(desk):
    path = desk.campaign()
    (desk.folder / "candidates.parquet").write_bytes(b"PAR1 and then nothing")
    assert_refusal(run("launch", path), ["candidates.parquet", "can't be read"])
    (desk.folder / "candidates.parquet").write_bytes(b"")
    assert_refusal(run("launch", path), ["candidates.parquet"])
    assert_refusal(run("launch", desk.folder / "none.yaml"), ["none.yaml"])


def test_missing_end_members_are_listed(desk):
    elements = json.loads((DEMO / "elements.json").read_text())
    del elements["Cd"]
    (desk.folder / "elements.json").write_text(json.dumps(elements))
    files = {"file": str(DEMO / "competing_phases.parquet"), "elements": "elements.json"}
    refused(desk, {"references": files}, ["hold no pure Cd", "add these elements"])


def test_a_single_candidate(desk):
    path = desk.campaign()
    pq.write_table(pq.read_table(desk.folder / "candidates.parquet").slice(0, 1), desk.folder / "candidates.parquet")
    assert_refusal(run("launch", path), ["single candidate"])


def test_candidates_without_results_need_an_engine_that_relaxes(desk):
    path = desk.campaign()
    table = pq.read_table(desk.folder / "candidates.parquet")
    names = [name for name in table.column_names if not name.endswith("_relaxed")]
    pq.write_table(table.select(names), desk.folder / "candidates.parquet")
    assert_refusal(run("launch", path), ["looks up published results"])


def test_without_a_daemon_the_two_ways_out_are_named(desk):
    result = run("launch", desk.campaign())
    assert_refusal(result, ["daemon isn't running", "verdi daemon start", "--foreground"])


def refused(desk, changes, said):
    assert_refusal(run("launch", desk.campaign(**changes)), said)


def assert_refusal(result, said):
    """One clear message and a bad exit code."""
    assert result.exit_code != 0
    assert "Traceback" not in result.output
    message = result.output.rpartition("Error: ")[2]
    for words in said:
        assert words in message, result.output
