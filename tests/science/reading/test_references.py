"""Competing phases: ids, end members, and the few that matter."""

from __future__ import annotations

import json
from importlib import resources

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pymatgen.core import Composition
from pymatgen.entries.computed_entries import ComputedEntry, ConstantEnergyAdjustment

from aiida_mlhull.science.errors import FormulaError, MissingEndMembersError, TableError, WireError
from aiida_mlhull.science.reading import read_candidates, read_references, relevant

DEMO = resources.files("aiida_mlhull") / "demo_data"


@pytest.fixture
def phases(tmp_path):
    """Write phases and elements to files."""

    def write(rows, elements=None):
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "phases.parquet")
        if elements is None:
            return tmp_path / "phases.parquet", None
        (tmp_path / "elements.json").write_text(json.dumps(elements))
        return tmp_path / "phases.parquet", tmp_path / "elements.json"

    return write


def phase(formula, energy, number=1.0):
    return {"reduced_composition": formula, "energy_ev_per_atom": energy, "icsdnum": number}


ELEMENTS = {"Na": -1.3, "Cl": -1.8, "N": -8.3}


def test_polymorphs_repeats_and_elements_get_ids_of_their_own(phases):
    path, elements = phases(
        [phase("Cl1Na1", -3.4, 10), phase("Cl1Na1", -3.3, 11), phase("Cl1Na1", -3.2, 11), phase("Cl2Na2", -3.1, None)],
        ELEMENTS,
    )
    references = read_references(path, elements=elements, scheme="PBE").references
    assert dict(zip(references.ids.tolist(), references.energies.tolist(), strict=True)) == {
        "element:Cl": -1.8,
        "element:N": -8.3,
        "element:Na": -1.3,
        "phase:Cl1Na1_icsd10": -3.4,
        "phase:Cl1Na1_icsd11": -3.3,
        "phase:Cl1Na1_icsd11_2": -3.2,
        "phase:Cl2Na2": -3.1,
    }
    assert set(references.formulas.tolist()) == {"Cl2", "N2", "Na", "NaCl"}  # as pymatgen writes them
    assert references.scheme == "PBE"
    assert references.source == "phases.parquet + elements.json"


def test_sodium_nitride_is_a_phase(phases):
    path, elements = phases([phase("NaN", -4.0), phase("N1Na3", -2.9)], ELEMENTS)
    assert {"NaN", "Na3N"} <= set(read_references(path, elements=elements).references.formulas.tolist())


@pytest.mark.parametrize("lost", [None, "", "nonsense", "Qq2Na"])
def test_formulas_that_got_lost_are_refused_or_counted(phases, lost):
    path, elements = phases([phase("Cl1Na1", -3.4, 10), phase(lost, -4.0, 12)], ELEMENTS)
    with pytest.raises(FormulaError, match=r"1 of 5 rows: missing or unreadable formulas \(sodium nitride"):
        read_references(path, elements=elements)
    intake = read_references(path, elements=elements, bad_rows="leave_out")
    assert len(intake.references) == 4
    assert intake.left_out.counts() == {"unreadable_formula": 1}


@pytest.mark.parametrize("energy", [float("nan"), float("inf"), None])
def test_energies_that_are_not_finite_are_refused_by_name(phases, energy):
    path, elements = phases([phase("Cl1Na1", -3.4), phase("N1Na3", energy, 7)], ELEMENTS)
    with pytest.raises(TableError, match="energies: phase:N1Na3_icsd7"):
        read_references(path, elements=elements)


def test_phases_without_end_members_are_left_out_and_counted(phases):
    path, elements = phases([phase("Cl1Na1", -3.4), phase("Cl1K1", -3.2), phase("K1N1O3", -6.0)], ELEMENTS)
    intake = read_references(path, elements=elements)
    assert len(intake.references) == 4
    assert dict(zip(intake.left_out.ids.tolist(), intake.left_out.details.tolist(), strict=True)) == {
        "phase:Cl1K1_icsd1": "K",
        "phase:K1N1O3_icsd1": "K, O",
    }
    assert intake.summary().endswith("6 phases read, 4 used; 2 left out: 2 missing_end_members")


def test_elements_may_stand_among_the_phases(phases):
    path, _ = phases([phase("Cl1Na1", -3.4), phase("Na", -1.3), phase("Cl", -1.8), phase("Cl2", -1.7)])
    intake = read_references(path)
    assert len(intake.references) == 4
    assert len(intake.left_out) == 0


def test_ids_given_twice_are_refused(phases):
    path, _ = phases([{**phase("Na", -1.3), "id": "x"}, {**phase("Cl", -1.8), "id": "x"}])
    with pytest.raises(TableError, match="duplicate ids: x"):
        read_references(path)


def test_computed_entries_bring_their_corrected_energy(tmp_path):
    entries = [
        ComputedEntry("Na2", -2.6, entry_id="mp-1"),
        ComputedEntry("Cl4", -7.0, entry_id="mp-2", energy_adjustments=[ConstantEnergyAdjustment(-2.4, name="Cl")]),
    ]
    (tmp_path / "entries.json").write_text(json.dumps([entry.as_dict() for entry in entries]))
    references = read_references(tmp_path / "entries.json").references
    assert references.ids.tolist() == ["mp-1", "mp-2"]
    assert references.energies == pytest.approx([entry.energy_per_atom for entry in entries])
    assert references.energies[1] == pytest.approx(-2.35)


@pytest.mark.parametrize("content", ['{"Nope": -1.0}', '[{"energy": 1.0}]', '{"Na": "low"}'])
def test_json_that_holds_no_phases_is_refused(phases, tmp_path, content):
    path, _ = phases([phase("Cl1Na1", -3.4)])
    (tmp_path / "elements.json").write_text(content)
    with pytest.raises(TableError, match="elements.json"):
        read_references(path, elements=tmp_path / "elements.json")


@pytest.mark.parametrize("content", ["", "{}", "[]", "{"])
def test_unreadable_or_empty_json_is_refused(phases, tmp_path, content):
    path, _ = phases([phase("Cl1Na1", -3.4)])
    (tmp_path / "elements.json").write_text(content)
    with pytest.raises(WireError, match="elements.json"):
        read_references(path, elements=tmp_path / "elements.json")


def test_candidates_without_end_members_are_refused():
    candidates = read_candidates(DEMO / "hypothetical_pnictides.parquet").candidates
    references = read_references(DEMO / "competing_phases.parquet", elements=DEMO / "elements.json").references
    lacking = references.without(["element:Be", "element:Cd"])
    with pytest.raises(MissingEndMembersError, match="Be, Cd"):
        relevant(lacking, candidates)


def test_relevant_references_are_those_inside_a_candidates_system():
    candidates = read_candidates(DEMO / "hypothetical_pnictides.parquet").candidates
    references = read_references(DEMO / "competing_phases.parquet", elements=DEMO / "elements.json").references
    binaries = candidates.take([formula in {"CdAs2", "RbAs"} for formula in candidates.formulas.tolist()])
    systems = [set(Composition(formula).elements) for formula in set(binaries.formulas.tolist())]
    expected = [
        any(set(Composition(formula).elements) <= system for system in systems)
        for formula in references.formulas.tolist()
    ]
    assert relevant(references, binaries).ids.tolist() == references.ids[expected].tolist()
    assert 0 < sum(expected) < len(references)
    assert "element:Be" not in relevant(references, binaries).ids
    assert len(relevant(references, candidates)) == len(references) == 13


def test_other_elements_may_come_in_with_precursors():
    candidates = read_candidates(DEMO / "hypothetical_pnictides.parquet").candidates
    references = read_references(DEMO / "competing_phases.parquet", elements=DEMO / "elements.json").references
    binaries = candidates.take([formula == "CdAs2" for formula in candidates.formulas.tolist()])
    wide = relevant(references, binaries, beside=("Rb",))
    inside = [
        set(Composition(f).chemical_system.split("-")) <= {"As", "Cd", "Rb"} for f in references.formulas.tolist()
    ]
    assert wide.ids.tolist() == references.ids[inside].tolist()
    assert len(wide) > len(relevant(references, binaries))
    with pytest.raises(MissingEndMembersError, match="no pure U"):
        relevant(references, binaries, beside=("U",))
