"""A study through real processes: what it tells, and that nothing is run twice."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from aiida import orm

from aiida_mlhull import names
from aiida_mlhull.data import EnsembleData
from aiida_mlhull.launching.studies import making, running
from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member, gather, predict
from aiida_mlhull.science.ensembles.learning import split_rows
from aiida_mlhull.science.errors import CampaignFailedError, StoppedError
from aiida_mlhull.science.reading.properties import read_properties
from aiida_mlhull.science.studies import load_study, runs_of
from aiida_mlhull.science.types import ModelRows
from tests.cli.conftest import run
from tests.property_ensembles import band_gaps
from tests.science.studies.test_tables import DATA, TABLE, TARGET

ENDED = running._ended

NETWORK = {"width": 8, "hidden_width": 8, "output_widths": [16], "max_epochs": 2, "patience": 2}
SHARED = {"where": "Table 1", "table": "crystals", "unit": "eV/atom", "target": TARGET}
STUDY = {
    "name": "tiny",
    "title": "Tiny",
    "source": {"citation": "Nobody, 2026"},
    "about": "Nothing.",
    "tables": [
        {"name": "crystals", "file": TABLE, "about": "600 crystals"},
        {"name": "gone", "file": "gone.parquet", "about": "not there"},
    ],
    "rows": [
        {
            "name": "parent", "about": "a network", "figure": 0.5, "learn": 80, "asked": 50,
            "ensemble": {"model": "roost", "members": 1, "model_settings": NETWORK}, **SHARED,
        },
        {
            "name": "child", "about": "and its child", "parent": "parent", "learn": 40, "asked": 50,
            "ensemble": {"model": "roost", "members": 1, "model_settings": NETWORK, "transfer": {"mode": "head"}},
            **SHARED,
        },
        {"name": "absent", "about": "no table", "ensemble": {"model": "mean"}, **SHARED, "table": "gone"},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory, registered):
    """The file of a study, its first row interrupted after its fit, then run to its end; and what was said."""
    path = tmp_path_factory.mktemp("study") / "tiny.yaml"
    path.write_text(yaml.safe_dump(STUDY))
    return path


def processes() -> list[int]:
    return orm.QueryBuilder().append(orm.ProcessNode, project="id").all(flat=True)


def expected(seed: int = 4) -> dict[str, float]:
    """Errors of the first row by id, without AiiDA."""
    rows = read_properties(DATA / TABLE, target=TARGET).rows
    learned, test = split_rows(rows, share=0.2, by="row", seed=seed)
    settings = EnsembleSettings(**STUDY["rows"][0]["ensemble"], volume_scaling=False, target=TARGET, unit="eV/atom")
    taught = rows.take(np.sort(learned[:80]))
    members = [fit_member(taught, settings, member=m, seed=seed, baseline="none") for m in range(1)]
    asked = rows.take(test)
    questions = ModelRows(ids=asked.ids, formulas=asked.formulas, crystals=asked.crystals, baselines=asked.baselines)
    said = predict(gather(members, settings=settings), questions)
    return dict(zip(asked.ids.tolist(), (said.mean - asked.energies).tolist(), strict=True))


@pytest.mark.slow
def test_a_study_is_run_once_and_told(study, tmp_path, monkeypatch):
    arguments = ("study", "run", study, "--data", DATA, "--size", "full", "--seed", 4)
    result = run(*arguments, "--dry-run")
    assert result.exit_code == 0, result.output
    assert result.output.count("to run") == 2
    assert "gone.parquet is not there" in result.output

    monkeypatch.setattr(running, "_ask", stopping)
    result = run(*arguments)
    assert result.exit_code != 0
    assert "Interrupted in parent" in result.output
    monkeypatch.undo()
    assert "fitted, to be asked" in run(*arguments, "--dry-run").output

    fits, before = [], processes()
    monkeypatch.setattr(running, "_ended", refusing(fits))
    result = run(*arguments)
    assert "parent failed" in result.output, "a child waits for its parent"
    monkeypatch.setattr(running, "_ended", refusing(fits, but=names.PREDICT_SHARDS.label))
    result = run(*arguments)
    assert "1 of 3 runs are finished" in result.output
    assert "child: no time" in result.output
    added = orm.QueryBuilder().append(orm.WorkChainNode, filters={"id": {"!in": before}}, project="process_type")
    assert added.all(flat=True) == [names.PREDICT_SHARDS.process_type], "the fit that was there is not repeated"
    monkeypatch.undo()

    before = processes()
    assert "[1/1] parent: finished" in run(*arguments, "--only", "parent").output
    assert processes() == before, "a second call launches nothing"
    (begun,) = fits
    assert begun.parent.pk == tell(study, tmp_path)["ensemble"]


def stopping(*given, **named):
    raise StoppedError("Interrupted")


def refusing(fits, *, but=""):
    """In place of running a process: keep what a fit was given, and fail; those called ``but`` run."""

    def ended(run, builder, **named):
        kind = builder.process_class.__name__
        if kind == but:
            return ENDED(run, builder, **named)
        if kind == names.FIT_ENSEMBLE.label:
            fits.append(builder)
        raise CampaignFailedError("no time")

    return ended


def tell(study, tmp_path) -> dict[str, int]:
    """The report: numbers of the first row against those without AiiDA, and files; numbers of its nodes."""
    asked = ("study", "report", study, "--size", "full", "--seed", 4)
    facts = json.loads(run(*asked, "--json").output)
    parent, _, absent = facts["rows"]
    (told,) = parent["runs"]
    errors = expected()
    truth = orm.load_node(told["pks"]["truth"]).to_science()
    assert len(truth) == 50
    mine = np.abs([errors[one] for one in truth.ids.tolist()]).mean()
    assert parent["ours"] == pytest.approx(mine, abs=1e-5)
    assert parent["difference"] == pytest.approx(mine - 0.5, abs=1e-5)
    assert (told["learned"], told["asked"], told["members"], told["epochs"], told["seed"]) == (80, 50, 1, [2], 4)
    assert facts["versions"]["torch"]
    assert facts["versions"]["aiida-core"]
    assert absent["ours"] is None
    group = orm.load_group("mlhull/studies/tiny")
    assert {told["pks"]["fit"], told["pks"]["predict"], told["pks"]["truth"]} <= {node.pk for node in group.nodes}
    for suffix, mark in ((".md", "| parent | Table 1 |"), (".html", "<td>parent</td>")):
        path = tmp_path / f"report{suffix}"
        assert run(*asked, "-o", path).exit_code == 0
        assert mark in path.read_text()
    assert "a report is written as .md or .html" in run(*asked, "-o", tmp_path / "report.pdf").output
    assert json.loads(run("study", "report", study, "--size", "full", "--json").output)["rows"][0]["ours"] is None
    return told["pks"]


def test_other_data_are_another_run(registered, tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(STUDY))
    runs = runs_of(load_study(str(path)), size="full", only=["child"])
    here = [one.data for one in running.look(runs, DATA)]
    (tmp_path / TABLE).write_bytes((DATA / TABLE).read_bytes() + b" ")
    there = [one.data for one in running.look(runs, tmp_path)]
    assert here[1].endswith(here[0]), "a child's data are its parent's as well"
    assert not set(here) & set(there)


def test_a_child_begins_with_the_parent_of_its_own_data(registered, tmp_path):
    """Not with the newest one: data may have changed and changed back."""
    path = tmp_path / "again.yaml"
    path.write_text(yaml.safe_dump(STUDY | {"name": "again"}))
    runs = runs_of(load_study(str(path)), size="full", only=["child"])
    parent, child = running.look(runs, DATA)
    stored = []
    for data in (parent.data, "other"):
        node = EnsembleData.from_science(band_gaps(), label=f"{parent.run.label}-{data}").store()
        orm.Group.collection.get_or_create(label="mlhull/studies/again")[0].add_nodes(node)
        stored.append(node.pk)
    assert child.data_of_parent == parent.data
    assert running._parent(parent.run, child.data_of_parent).pk == stored[0]


def test_a_fit_goes_on_in_the_folders_that_it_is_given():
    from aiida_mlhull.workflows.fit import FitEnsemble

    inputs = {"stopped": {"members_001": "folder"}}
    pool = SimpleNamespace(
        inputs=type("Inputs", (dict,), {"__getattr__": dict.get})(inputs),
        ctx=SimpleNamespace(portions={"members_000": [0], "members_001": [1]}),
        was_tried=lambda key: False,
        options={},
    )
    jobs = {key: FitEnsemble.job(pool, key)[1] for key in pool.ctx.portions}
    assert "restart_from" not in jobs["members_000"]
    assert jobs["members_001"]["restart_from"] == "folder"


def test_what_stands_in_is_made_once_and_a_file_counts_more(registered, tmp_path, monkeypatch):
    table = {
        "name": "made", "file": "made.parquet", "about": "salt", "measured_from": {"Na": -1.3, "Cl": -1.8},
        "stand_in": {"elements": ["Na", "Cl"], "stage": "final"},
    }  # fmt: skip
    row = {"name": "row", "about": "", "where": "", "table": "made", "target": "e", "ensemble": {"model": "mean"}}
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(STUDY | {"tables": [table], "rows": [row]}))
    runs = runs_of(load_study(str(path)), size="full")
    made = []

    def make(stand_in, elements, **named):
        made.append((stand_in.system, elements))
        raise CampaignFailedError("no potential")

    monkeypatch.setattr(making, "make", make)
    (ended,) = running.run_study(runs, folder=tmp_path, say=lambda line: None)
    assert made == [("Cl-Na", {"Na": -1.3, "Cl": -1.8})]
    assert "no potential" in ended.state

    node = orm.WorkChainNode(label="stand-in Cl-Na", process_type=names.SCREEN.process_type)
    node.base.attributes.set("exit_status", 0)
    node.store()
    assert running.look(runs, tmp_path)[0].data == node.uuid[:8]
    (tmp_path / "made.parquet").write_bytes(b"one's own")
    (ready,) = running.look(runs, tmp_path)
    assert (len(ready.data), ready.data == node.uuid[:8]) == (8, False)
