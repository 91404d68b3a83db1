"""Anions by charge, and the corrections (eV) that follow from them; the published values are pymatgen's own file's."""

from __future__ import annotations

import pytest
from pymatgen.core import Composition, Lattice, Structure
from pymatgen.entries.computed_entries import ComputedEntry

from aiida_mlhull.science.reading import read_references
from aiida_mlhull.science.reading.phases.anions import anions_of
from tests.science.reading.phases.test_entries import energies, published, write  # noqa: F401  (a fixture)


def plain(formula, energy=-10.0, **data):
    """An entry at the Materials Project's settings, without a structure."""
    symbols = {"Li": "Li_sv", "Na": "Na_pv", "K": "K_sv", "Ca": "Ca_sv", "Mg": "Mg_pv", "Ba": "Ba_sv", "Cs": "Cs_sv"}
    composition = Composition(formula)
    potcars = [f"PBE {symbols.get(element.symbol, element.symbol)}" for element in composition]
    parameters = {"run_type": "GGA", "hubbards": {}, "potcar_symbols": potcars}
    return ComputedEntry(composition, energy, parameters=parameters, entry_id=formula, data=data)


ENDS = [plain(formula) for formula in ("Li", "Na", "K", "Ca", "Ba", "O2", "S8", "Cl2", "H2")]


@pytest.mark.parametrize(
    ("formula", "parts"),
    [
        ("Na2SO4", {"oxide": 4}),
        ("CaSO3", {"oxide": 3}),
        ("Ca12S12O48", {"oxide": 48}),
        ("SO3", {"oxide": 3}),
        ("Na2S", {"S": 1}),
        ("BaS3", {"S": 3}),
        ("Na24Cl12S6", {"Cl": 12, "S": 6}),
        ("Li22O10Cl2", {"oxide": 10, "Cl": 2}),
        ("Ca21Cl40O", {"oxide": 1, "Cl": 40}),
        ("NaClO4", {"oxide": 4}),
        ("K2O", {"oxide": 1}),
        ("Ba6O", {"oxide": 1}),
    ],
)
def test_charges_decide(tmp_path, published, formula, parts):  # noqa: F811
    path = write(tmp_path / "a.json", [*ENDS, plain(formula)])
    values = published["CompositionCorrections"]
    expected = -10.0 + sum(values[kind] * count for kind, count in parts.items())
    intake = read_references(path, corrections="mp2020")
    assert energies(intake)[formula] * Composition(formula).num_atoms == pytest.approx(expected)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("Na2O2", "oxide's, a peroxide's or a superoxide's"),
        ("KO2", "superoxide"),
        ("K2S2O8", "peroxide"),
        ("CaH2O3", "peroxide"),
        ("Na2S2O3", "whether its sulfur is a sulfide's"),
    ],
)
def test_what_only_a_structure_could_tell_is_left_out_unless_asked_for(tmp_path, formula, words):
    path = write(tmp_path / "a.json", [*ENDS, plain(formula)])
    out = read_references(path, corrections="mp2020")
    assert out.left_out.ids.tolist() == [formula]
    assert out.left_out.reasons.tolist() == ["guessed_anions"]
    assert words in out.left_out.details[0]
    kept = read_references(path, corrections="mp2020", guesses="keep")
    assert words in kept.remarks[formula]
    assert "1 corrected by a guess" in kept.summary()


def test_the_entrys_own_word_counts(tmp_path, published):  # noqa: F811
    said = [plain("Na2O2", oxide_type="peroxide"), plain("Na2S2O3", sulfide_type="sulfate", oxide_type="oxide")]
    found = energies(read_references(write(tmp_path / "a.json", [*ENDS, *said]), corrections="mp2020"))
    values = published["CompositionCorrections"]
    assert found["Na2O2"] * 4 == pytest.approx(-10 + 2 * values["peroxide"])
    assert found["Na2S2O3"] * 7 == pytest.approx(-10 + 3 * values["oxide"])


def test_a_structure_tells_peroxides_and_sulfates(tmp_path, published):  # noqa: F811
    from pymatgen.entries.computed_entries import ComputedStructureEntry

    sulfate = Structure(
        Lattice.orthorhombic(6.0, 6.2, 7.0),
        ["Ca", "S", "O", "O", "O", "O"],
        [[0, 0, 0], [3, 3.1, 3.5], [3.85, 3.95, 4.35], [2.15, 2.25, 4.35], [2.15, 3.95, 2.65], [3.85, 2.25, 2.65]],
        coords_are_cartesian=True,
    )
    like = plain("CaSO4")
    whole = ComputedStructureEntry(sulfate, -10.0, parameters=like.parameters, entry_id="whole")
    found = energies(read_references(write(tmp_path / "a.json", [*ENDS, whole]), corrections="mp2020"))
    assert found["whole"] * 6 == pytest.approx(-10 + 4 * published["CompositionCorrections"]["oxide"])


@pytest.mark.parametrize("formula", ["Ti3Sb2N", "Fe3Si", "MgH9Te"])
def test_where_no_charges_balance_the_convention_is_a_remark(formula):
    anions = anions_of(ComputedEntry(formula, 0.0))
    assert anions.states == {} or anions.remarks == []
    assert not anions.open


@pytest.mark.parametrize("formula", ["Ti", "TiAl", "Mg2Si", "NaCl"])
def test_what_is_certain_carries_no_remark(formula):
    anions = anions_of(ComputedEntry(formula, 0.0))
    assert (anions.remarks, anions.open) == ([], []) or formula == "TiAl"
