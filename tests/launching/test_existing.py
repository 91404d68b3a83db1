"""Campaigns that begin with calculations that exist already: folders of VASP, groups, tables."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from aiida import orm
from aiida.common.links import LinkType

from aiida_mlhull import launch
from aiida_mlhull.data import CandidatesData, LabelsData, ReferencesData
from aiida_mlhull.graph.campaign import Campaign
from aiida_mlhull.launching.launch import prepare
from aiida_mlhull.launching.materials.existing import existing_results
from aiida_mlhull.launching.materials.gathering import gathered
from aiida_mlhull.science.campaign import campaign_settings
from aiida_mlhull.science.campaign.file import ResultsSource
from aiida_mlhull.science.errors import InputError, MixedSchemesError, SettingsError
from aiida_mlhull.science.types import Candidates, Crystals, References
from aiida_mlhull.workflows.screen import Screen
from tests.arsenides import every_sixth
from tests.vasp_codes import RECORDED

GATE = {"rule": "top_n", "rule_settings": {"n": 12}, "rounds": 2, "batch": 6}
FINAL = {"name": "final", "engine": "recorded", "core_minutes": 605.0, "gate": GATE}


def group_of(label, *nodes):
    group = orm.Group(label=label).store()
    group.add_nodes([node.store() for node in nodes])
    return group


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nothing_that_exists_is_done_again(empty_profile, tmp_path):
    from tests.forks import quick_program
    from tests.programs import on_this_machine

    code, excerpt = on_this_machine(tmp_path, program=quick_program()), every_sixth()
    done = excerpt.record.take(np.arange(0, len(excerpt.record), 6))
    group_of("record", LabelsData.from_science(excerpt.record))
    group_of("done", LabelsData.from_science(done))
    campaign = launch(
        {
            "name": "goes-on",
            "protocol": "laptop-plain",
            "seed": 3,
            "code": code.full_label,
            "candidates": CandidatesData.from_science(excerpt.candidates).store(),
            "references": ReferencesData.from_science(excerpt.references).store(),
            "record": {"group": "record"},
            "results": {"final": {"group": "done"}},
            "jobs": {"members_per_job": 2},
            "overrides": {
                "start": 2,  # fewer than models need: what is done already teaches them
                "budget": 30,
                "stages": [FINAL],
                "ensemble": {"model": "trees_gp", "members": 2},
            },
        },
        foreground=True,
    )
    given = campaign.node.inputs.earlier.results.final.given
    assert given.creator.process_label == "gather_tables"
    assert given.to_science().ids.tolist() == done.ids.tolist()
    assert np.array_equal(given.to_science().energies, done.energies)
    (table,) = orm.load_group("done").nodes
    query = orm.QueryBuilder().append(LabelsData, filters={"id": table.pk}, tag="done")
    query.append(LabelsData, with_ancestors="done", project="id")
    assert {one.pk for one in campaign.node.outputs.results.values()} <= set(query.all(flat=True))
    engines = [one for one in campaign.node.called if one.process_label == "RecordedEngine"]
    asked = {name for one in engines for name in one.outputs.labels.to_science().ids.tolist()}
    results = campaign.results()
    assert asked.isdisjoint(done.ids.tolist())
    assert set(results.ids.tolist()) == asked | set(done.ids.tolist())
    assert len(done) < len(results) <= 30
    assert len(campaign.outcomes()) == len(excerpt.candidates)
    assert campaign.funnel()["relaxed"] == int(results.succeeded.sum())


@pytest.fixture
def runs(tmp_path):
    """Two calculations under the candidates' ids, and one of no candidate."""
    places = sorted((RECORDED / "plain").glob("*/out"))[:1] * 3
    for name, place in zip(("first", "second", "another"), places, strict=True):
        shutil.copytree(place, tmp_path / "runs" / name)
    return tmp_path / "runs"


@pytest.fixture
def candidates(runs):
    from pymatgen.io.vasp import Vasprun

    cell = Vasprun(runs / "first" / "vasprun.xml", parse_potcar_file=False).initial_structure
    formula = cell.composition.reduced_formula
    return Candidates.from_rows(
        ids=["first", "second", "third"],
        formulas=[formula] * 3,
        crystals=Crystals.from_structures([cell] * 3),
        protostructures=[""] * 3,
        origins=[""] * 3,
    )


def references(candidates, scheme):
    symbols = sorted(set(candidates.crystals.structure(0).symbol_set))
    return References.from_rows(ids=symbols, formulas=symbols, energies=[0.0] * len(symbols), scheme=scheme)


SETTINGS = campaign_settings({"stages": [{"name": "final", "engine": "vasp"}]}, protocol="laptop-plain")


def test_folders_of_vasp(runs, candidates):
    from pymatgen.io.vasp import Vasprun

    source = ResultsSource(file=runs, corrections="none")
    found, said, _ = existing_results(
        {"final": source}, candidates, references(candidates, "PBE, not corrected"), SETTINGS
    )
    labels = found["final"]
    assert labels.ids.tolist() == ["first", "second"]
    assert labels.stage == "final"
    assert labels.engine == "vasp"
    run = Vasprun(runs / "first" / "vasprun.xml", parse_potcar_file=False)
    assert labels.energies[0] == pytest.approx(run.final_energy / len(run.final_structure), abs=1e-8)
    assert any("another" in line for line in said)
    assert "stage final begins with 2 results and 0 failures" in said


def chain_of(cell, label, files=None):
    """A finished WorkChain of a structure with this label, and what its calculation left."""
    structure = orm.StructureData(pymatgen=cell)
    structure.label = label
    chain = orm.WorkChainNode(process_type="aiida.workflows:vasp.vasp")
    chain.base.links.add_incoming(structure.store(), LinkType.INPUT_WORK, "structure")
    chain.store()
    if files is not None:
        job = orm.CalcJobNode(process_type="aiida.calculations:vasp.vasp")
        job.base.links.add_incoming(chain, LinkType.CALL_CALC, "iteration_01")
        job.store()
        retrieved = orm.FolderData(tree=files)
        retrieved.base.links.add_incoming(job, LinkType.CREATE, "retrieved")
        retrieved.store()
    return chain


def test_finished_work_chains(empty_profile, runs, candidates):
    cell = candidates.crystals.structure(0)
    group_of("finished", *(chain_of(cell, name, runs / name) for name in ("first", "second")))
    source = ResultsSource(group="finished", corrections="none")
    found, said, _ = existing_results(
        {"final": source}, candidates, references(candidates, "PBE, not corrected"), SETTINGS
    )
    assert found["final"].ids.tolist() == ["first", "second"]
    assert np.isfinite(found["final"].energies).all()
    assert not any("WorkChains" in line for line in said)


def test_phases_lead_back_to_the_work_chains(empty_profile, runs, candidates, tmp_path):
    """From a promoted phase to the user's own calculations and back; a dry run stores nothing."""
    from tests.forks import quick_program
    from tests.programs import on_this_machine

    code, known = on_this_machine(tmp_path, program=quick_program()), references(candidates, "PBE, not corrected")
    cell, own = candidates.crystals.structure(0), candidates.take([0, 1])
    chains = [chain_of(cell, name, runs / name) for name in ("first", "second")]
    stranger = chain_of(cell, "nobody", runs / "another")
    group_of("finished", *chains, stranger)
    source = ResultsSource(group="finished", corrections="none")
    found, said, _ = existing_results({"final": source}, own, known, SETTINGS)
    assert "1 WorkChains are of no candidate: nobody" in said
    group_of("record", LabelsData.from_science(found["final"]))
    content = {
        "name": "led-back",
        "protocol": "laptop-plain",
        "code": code.full_label,
        "candidates": CandidatesData.from_science(own).store(),
        "references": ReferencesData.from_science(known).store(),
        "record": {"group": "record"},
        "results": {"final": {"group": "finished", "corrections": "none"}},
        "overrides": {"stages": [{"name": "final", "engine": "recorded"}]},
    }
    before = orm.QueryBuilder().append(orm.Node).count()
    prepared = prepare(content)
    read = prepared.nodes["results"]["final"].to_science()
    assert "begins with 2 results" in prepared.describe()
    assert orm.QueryBuilder().append(orm.Node).count() == before
    campaign = Campaign(prepared.run())
    given = campaign.node.inputs.earlier.results.final.given
    assert given.creator.process_label == "gather_results"
    made = given.to_science()
    assert made.ids.tolist() == ["first", "second"]
    assert np.array_equal(made.energies, read.energies)
    assert np.array_equal(made.core_minutes, read.core_minutes)
    assert (made.stage, made.engine, made.scheme) == (read.stage, read.engine, read.scheme)
    for chain, is_there in [*((one, True) for one in chains), (stranger, False)]:
        left = chain.called[0].outputs.retrieved
        query = orm.QueryBuilder().append(orm.CalcJobNode, filters={"id": chain.called[0].pk}, tag="job")
        query.append(orm.FolderData, with_incoming="job", filters={"id": left.pk}, tag="left")
        query.append(orm.StructureData, with_ancestors="left")
        assert bool(query.count()) == is_there


def test_results_that_a_campaign_has_itself_are_left_out(empty_profile, runs, candidates):
    """Of a row that is left out nothing is kept; costs and scheme are those that were read of all."""
    (runs / "second" / "OUTCAR").unlink(missing_ok=True)
    cell = candidates.crystals.structure(0)
    group_of("finished", *(chain_of(cell, name, runs / name) for name in ("first", "second")))
    source, known = ResultsSource(group="finished", corrections="none"), references(candidates, "PBE, not corrected")
    found, _, ran = existing_results({"final": source}, candidates, known, SETTINGS)
    rest = found["final"].without(["first"])
    builder = Screen.get_builder()
    builder.candidates = {"shard_000": CandidatesData.from_science(candidates)}
    before = LabelsData.from_science(rest)
    other = LabelsData.from_science(found["final"])
    builder.earlier = {"results": {"final": {"given": before, "part_00000": other}}, "retry": orm.List([])}
    made = gathered(builder, {"results": {"final": before}}, ran)["final"]
    assert made.is_stored
    assert made.to_science().ids.tolist() == ["second"]
    assert np.array_equal(made.to_science().core_minutes, rest.core_minutes)
    assert dict(builder.earlier["results"]["final"]) == {"given": made, "part_00000": other}


def test_work_chains_that_can_not_be_taken_are_counted(empty_profile, runs, candidates, tmp_path):
    """One without files, one whose label would lead out of any folder, one that another one has followed."""
    cell = candidates.crystals.structure(0)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "vasprun.xml").write_text("<modeling>")
    followed = chain_of(cell, "first", broken)
    bare, outside = chain_of(cell, "second"), chain_of(cell, f"../../{tmp_path.name}/outside", runs / "second")
    group_of("some", followed, bare, outside, chain_of(cell, "first", runs / "first"))
    source = ResultsSource(group="some", corrections="none")
    found, said, _ = existing_results(
        {"final": source}, candidates, references(candidates, "PBE, not corrected"), SETTINGS
    )
    assert found["final"].ids.tolist() == ["first"]
    assert np.isfinite(found["final"].energies).all()
    assert any(line.startswith("2 WorkChains left no vasprun.xml, or name no candidate") for line in said)
    assert any(f"1 WorkChains are older than another one of the same candidate: {followed.pk}" in line for line in said)
    group_of("none", bare, outside)
    with pytest.raises(InputError, match="no WorkChain in it has the label of a candidate"):
        existing_results(
            {"final": ResultsSource(group="none")}, candidates, references(candidates, "PBE, not corrected"), SETTINGS
        )


def test_what_can_not_be_the_start_is_refused(runs, candidates):
    known, source = references(candidates, "mp-pbe-2020"), ResultsSource(file=runs, corrections="none")
    with pytest.raises(MixedSchemesError, match="corrections"):
        existing_results({"final": source}, candidates, known, SETTINGS)
    with pytest.raises(SettingsError, match="stages are final"):
        existing_results({"finl": source}, candidates, known, SETTINGS)
    others = candidates.take([2])
    with pytest.raises(InputError, match="no row of level"):
        existing_results({"final": source}, others, known, SETTINGS)
