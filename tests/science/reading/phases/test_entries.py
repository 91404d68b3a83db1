"""Computed entries: corrections from pymatgen's own file, refusals, and files that mix."""

from __future__ import annotations

import gzip
import inspect
import json
from pathlib import Path

import pytest
import yaml
from monty.json import MontyEncoder
from pymatgen.core import SETTINGS, Lattice, Structure
from pymatgen.entries.compatibility import MaterialsProject2020Compatibility
from pymatgen.entries.computed_entries import ComputedEntry, ComputedStructureEntry, GibbsComputedStructureEntry

from aiida_mlhull.science.errors import MixedSchemesError, SettingsError, TableError
from aiida_mlhull.science.reading import read_references
from aiida_mlhull.science.schemes import KNOWN, same_scheme

SYMBOLS = {"Ti": "Ti_pv", "O": "O", "Zn": "Zn", "Fe": "Fe_pv"}
IRON_U = 5.3


def entry(formula, energy, *, u=None, potcars=None, run_type="GGA", name=None, **parameters):
    """An entry with the settings of the Materials Project; energies (eV) are made up."""
    bare = ComputedEntry(formula, energy)
    names = [el.symbol for el in bare.composition.elements]
    parameters = {
        "run_type": run_type,
        "hubbards": u or {},
        "potcar_spec": [{"titel": f"PAW_PBE {(potcars or SYMBOLS)[symbol]} 01Jan2001"} for symbol in names],
        **parameters,
    }
    return ComputedEntry(formula, energy, parameters=parameters, entry_id=name or formula)


def elements():
    return [entry("Ti2", -15.6), entry("O8", -39.4), entry("Zn2", -2.5), entry("Fe2", -16.9)]


def write(path: Path, entries) -> Path:
    text = json.dumps(entries, cls=MontyEncoder).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


@pytest.fixture
def published():
    """The corrections (eV/atom) in pymatgen's own file."""
    path = Path(inspect.getfile(MaterialsProject2020Compatibility)).parent
    return yaml.safe_load((path / "MP2020Compatibility.yaml").read_text())["Corrections"]


def energies(intake):
    return dict(zip(intake.references.ids.tolist(), intake.references.energies.tolist(), strict=True))


@pytest.mark.parametrize("name", ["entries.json", "entries.json.gz"])
def test_oxides_get_the_published_correction_and_elements_none(tmp_path, published, name):
    path = write(tmp_path / name, [*elements(), entry("Ti2O4", -52.9), entry("Zn2O2", -18.1)])
    intake = read_references(path, corrections="mp2020", scheme="PBE")
    oxide = published["CompositionCorrections"]["oxide"]
    found = energies(intake)
    assert found["Ti2O4"] == pytest.approx((-52.9 + 4 * oxide) / 6)
    assert found["Zn2O2"] == pytest.approx((-18.1 + 2 * oxide) / 4)
    assert found["O8"] == pytest.approx(-39.4 / 8)
    assert len(intake.left_out) == 0
    assert intake.references.scheme == KNOWN["mp-pbe-2020"].text


def test_a_u_that_is_not_the_schemes_is_refused_and_the_right_one_is_corrected(tmp_path, published):
    right = entry("Fe2O3", -35.0, u={"Fe": IRON_U}, run_type="GGA+U", name="right")
    wrong = entry("Fe2O3", -36.0, u={"Fe": 4.0}, run_type="GGA+U", name="wrong")
    with_u = entry("Zn2O2", -18.1, u={"Zn": 7.5}, run_type="GGA+U", name="zinc")
    intake = read_references(write(tmp_path / "a.json", [*elements(), right, wrong, with_u]), corrections="mp2020")
    oxide = published["CompositionCorrections"]["oxide"]
    iron = published["GGAUMixingCorrections"]["O"]["Fe"]
    assert energies(intake)["right"] == pytest.approx((-35.0 + 3 * oxide + 2 * iron) / 5)
    assert dict(zip(intake.left_out.ids.tolist(), intake.left_out.details.tolist(), strict=True)) == {
        "wrong": "Invalid U value of 4.0 on Fe, expected 5.3",
        "zinc": "Invalid U value of 7.5 on Zn, expected 0.0",
    }
    assert intake.left_out.counts() == {"refused_by_mp2020": 2}


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (entry("TiO2", -26.0, potcars={"Ti": "Ti", "O": "O"}), "Incompatible POTCAR O, Ti, expected O, Ti_pv"),
        (entry("TiO2", -26.0, run_type=None), "has invalid run type None. Must be GGA or GGA+U."),
        (entry("TiO2", -26.0, potcar_spec=None), "parameters lack potcar_symbols"),
        (
            entry("TiO2", -26.0, potcar_spec=[{"titel": "Ti_pv"}, {"titel": "O"}]),
            "parameters can't be read: list index out of range",
        ),
    ],
)
def test_other_settings_are_left_out_with_the_reason_of_pymatgen(tmp_path, other, reason):
    intake = read_references(write(tmp_path / "a.json", [*elements(), other]), corrections="mp2020", scheme="PBE")
    assert "TiO2" not in energies(intake)
    assert intake.left_out.details.tolist() == [reason]


def test_structures_tell_peroxides_from_oxides(tmp_path, published):
    cell = Structure(Lattice.cubic(5.0), ["Ti", "O", "O"], [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0.79]])
    bare = entry("TiO2", -26.0)
    peroxide = ComputedStructureEntry(cell, -26.0, parameters=bare.parameters, entry_id="peroxide")
    path = write(tmp_path / "a.json", [*elements(), bare, peroxide])
    found = energies(read_references(path, corrections="mp2020"))
    oxygen = published["CompositionCorrections"]
    assert found["TiO2"] == pytest.approx((-26.0 + 2 * oxygen["oxide"]) / 3)
    assert found["peroxide"] == pytest.approx((-26.0 + 2 * oxygen["peroxide"]) / 3)


def corrected(one):
    one.data["oxide_type"] = "oxide"
    MaterialsProject2020Compatibility().process_entry(one)
    assert one.correction
    return one


def test_corrections_that_are_in_are_kept_or_taken_off(tmp_path):
    oxides = [corrected(entry("Ti2O4", -52.9)), corrected(entry("Zn2O2", -18.1))]
    path = write(tmp_path / "a.json", [*elements(), *oxides])
    kept = read_references(path, corrections="included")
    assert energies(kept)["Ti2O4"] == pytest.approx(oxides[0].energy / 6)
    assert energies(read_references(path, corrections="none"))["Ti2O4"] == pytest.approx(-52.9 / 6)
    assert same_scheme(kept.references.scheme, "mp-pbe-2020")
    with pytest.raises(MixedSchemesError, match="2 entries are corrected already: Ti2O4, Zn2O2"):
        read_references(path, corrections="mp2020")


@pytest.mark.parametrize("corrections", ["mp2020", "none", "included", None])
def test_corrected_and_uncorrected_entries_do_not_mix(tmp_path, corrections):
    path = write(tmp_path / "a.json", [*elements(), corrected(entry("Ti2O4", -52.9)), entry("Zn2O2", -18.1)])
    with pytest.raises(MixedSchemesError, match=r"mixes 1 corrected entries \(Ti2O4\) with 1 .* \(Zn2O2\)"):
        read_references(path, corrections=corrections)


def test_corrections_that_are_missed_are_not_said_to_be_in(tmp_path):
    path = write(tmp_path / "a.json", [*elements(), entry("TiZn", -10.0), entry("Zn2O2", -18.1)])
    with pytest.raises(MixedSchemesError, match="1 entries that should have one have none: Zn2O2;"):
        read_references(path, corrections="included")


def test_no_check_of_pseudopotentials_no_corrections(tmp_path, monkeypatch):
    monkeypatch.setitem(SETTINGS, "PMG_POTCAR_CHECKS", False)
    with pytest.raises(SettingsError, match="PMG_POTCAR_CHECKS"):
        read_references(write(tmp_path / "a.json", [*elements(), entry("Ti2O4", -52.9)]), corrections="mp2020")


def test_elements_may_stand_beside_the_entries(tmp_path):
    path = write(tmp_path / "a.json", [entry("Ti2O4", -52.9)])
    ends = write(tmp_path / "elements.json", {"Ti": -7.8, "O": -4.9})
    intake = read_references(path, elements=ends, corrections="mp2020")
    assert intake.references.ids.tolist() == ["Ti2O4", "element:O", "element:Ti"]


def test_what_is_no_entry_of_ours_is_refused(tmp_path):
    cell = Structure(Lattice.cubic(4.2), ["Ti", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    warm = GibbsComputedStructureEntry(cell, -5.0, temp=300).as_dict()
    with pytest.raises(TableError, match="a GibbsComputedStructureEntry; known: ComputedEntry"):
        read_references(write(tmp_path / "a.json", [warm]))
    with pytest.raises(TableError, match="duplicate ids: Ti2"):
        read_references(write(tmp_path / "b.json", [entry("Ti2", -15.6), entry("Ti2", -15.5)]))


def test_tables_take_no_corrections(tmp_path):
    (tmp_path / "a.csv").write_text("formula,energy_ev_per_atom\nTi,-7.8\n")
    with pytest.raises(SettingsError, match="corrections are for computed entries"):
        read_references(tmp_path / "a.csv", corrections="mp2020")
