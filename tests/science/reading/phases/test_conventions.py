"""Energies of several functionals, with and without U: refused by name, whatever is said of them."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pymatgen.analysis.compatibility.mixing_scheme import MaterialsProjectDFTMixingScheme
from pymatgen.core import Lattice, Structure
from pymatgen.entries.computed_entries import ComputedStructureEntry

from aiida_mlhull.science.errors import InputError, MixedSchemesError, MlhullError
from aiida_mlhull.science.reading import read_candidates, read_references
from aiida_mlhull.science.schemes import KNOWN, same_scheme
from tests.science.reading.phases.test_entries import elements, entry, write

ANY_CORRECTIONS = ["mp2020", "none", "included", "auto", None]


def bare(formula, energy, name=None, **said):
    """An entry as a mapping, with only what it is given of its calculation."""
    parameters = {key: value for key, value in said.items() if key != "data"}
    return {
        "composition": formula,
        "energy": energy,
        "entry_id": name or "".join(formula),
        "correction": 0.0,
        "parameters": parameters,
        "data": said.get("data", {}),
    }


def mixture(**said):
    """Zn and S in PBE, ZnS in something else."""
    return [
        bare({"Zn": 2}, -2.5, run_type="GGA"),
        bare({"S": 8}, -33, run_type="GGA"),
        bare({"Zn": 1, "S": 1}, -7.0, **said),
    ]


@pytest.mark.parametrize("corrections", ANY_CORRECTIONS)
@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"run_type": "R2SCAN"}, "r2SCAN"),
        ({"run_type": "SCAN"}, "SCAN"),
        ({"run_type": "PBEsol"}, "PBEsol"),
        ({"functional": "PBESol"}, "PBEsol"),
        ({"xc": "HSE06"}, "HSE06"),
        ({"run_type": "optPBE-vdW"}, "optPBE-vdW"),
        ({"data": {"run_type": "LDA"}}, "LDA"),
        ({"functional": "PBE-D3"}, "PBE-D3"),
        ({"calc_type": "r2SCAN Static"}, "r2SCAN"),
        ({"data": {"task_type": "PBESol Structure Optimization"}}, "PBEsol"),
        ({"incar": {"METAGGA": "R2SCAN", "GGA": "PE"}}, "r2SCAN"),
        ({"incar": {"GGA": "Ps", "METAGGA": "--"}}, "PBEsol"),
        ({"data": {"input": {"incar": {"metagga": "Scan"}}}}, "SCAN"),
    ],
)
def test_functionals_never_meet(tmp_path, said, named, corrections):
    path = write(tmp_path / "a.json", mixture(**said))
    with pytest.raises(MixedSchemesError, match=rf"mixes functionals: 2 of PBE \(Zn, S\) and 1 of {named}"):
        read_references(path, corrections=corrections, scheme="PBE")


def test_the_id_is_read_too_and_contradictions_are_told(tmp_path):
    other = bare({"Zn": 1, "S": 1}, -7.0, name="mp-10695-R2SCAN")
    with pytest.raises(MixedSchemesError, match=r"1 of r2SCAN \(mp-10695-R2SCAN\)"):
        read_references(write(tmp_path / "a.json", [*mixture(run_type="GGA")[:2], other]))
    both = bare({"Zn": 1, "S": 1}, -7.0, name="mp-10695-GGA", run_type="R2SCAN")
    with pytest.raises(MixedSchemesError, match="mp-10695-GGA contradicts itself: run_type R2SCAN, entry_id GGA"):
        read_references(write(tmp_path / "b.json", [both]))


@pytest.mark.parametrize(
    "said",
    [
        {"functional": "PBE (VASP 6.4.2)"},
        {"run_type": "GGA", "metagga": "None"},
        {"incar": {"GGA": "PE", "METAGGA": None, "IVDW": 0, "LDAU": False, "LDAUU": [0, 0]}},
        {"calc_type": "GGA Static", "task_type": "Static"},
        {"run_type": "GGA", "energy_type": "total energy"},
        {"xc": "PBE", "functional": "GGA"},
    ],
)
def test_other_words_for_the_same_functional(tmp_path, said):
    read = read_references(write(tmp_path / "a.json", mixture(**said)), corrections="none", scheme="PBE")
    assert read.references.scheme == "PBE, not corrected"


def test_one_functional_can_be_chosen_and_the_others_are_counted(tmp_path):
    path = write(
        tmp_path / "a.json", [*mixture(run_type="SCAN"), bare({"Zn": 1, "S": 1}, -7.4, name="x", run_type="GGA")]
    )
    intake = read_references(path, only="PBE", corrections="none")
    assert intake.left_out.counts() == {"other_functional": 1}
    assert intake.references.scheme == "PBE, not corrected"
    with pytest.raises(InputError, match="nothing of LDA in it; there is PBE, SCAN"):
        read_references(path, only="LDA")


@pytest.mark.parametrize("corrections", ["none", "included", None])
@pytest.mark.parametrize(
    "with_u",
    [
        {"run_type": "GGA+U", "hubbards": {"Mn": 3.9}},
        {"run_type": "GGA", "hubbards": {"Mn": 3.9}},
        {"is_hubbard": True, "run_type": "GGA"},
        {"functional": "PBE+U"},
    ],
)
def test_u_and_no_u_do_not_meet_without_corrections(tmp_path, with_u, corrections):
    file = [bare({"Mn": 1}, -9.0, run_type="GGA"), bare({"Cl": 2}, -3.6, run_type="GGA")]
    path = write(tmp_path / "a.json", [*file, bare({"Mn": 1, "Cl": 2}, -16.0, **with_u)])
    with pytest.raises(MixedSchemesError, match=r"mixes GGA and GGA\+U without corrections: 1 with U"):
        read_references(path, corrections=corrections, scheme="PBE")


def test_one_u_everywhere_is_one_scheme_and_part_of_its_name(tmp_path):
    u = {"run_type": "GGA+U", "hubbards": {"Mn": 3.9}}
    phases = [bare({"Mn": 1}, -8.0, **u), bare({"Al": 1}, -3.7, run_type="GGA"), bare({"Mn": 1, "Al": 1}, -12.0, **u)]
    read = read_references(write(tmp_path / "a.json", phases), corrections="none")
    assert read.references.scheme == "PBE(+U), U Mn 3.9 eV, not corrected"
    assert not same_scheme(read.references.scheme, "PBE, not corrected")
    phases[0]["parameters"]["hubbards"] = {"Mn": 4.0}
    with pytest.raises(MixedSchemesError, match=r"Mn: U 4 eV \(Mn1?\), U 3.9 eV"):
        read_references(write(tmp_path / "b.json", phases), corrections="none")


def test_an_incar_that_contradicts_the_run_type(tmp_path):
    path = write(tmp_path / "a.json", mixture(run_type="GGA", incar={"METAGGA": "R2SCAN"}))
    with pytest.raises(MixedSchemesError, match="ZnS contradicts itself: run_type GGA, INCAR METAGGA R2SCAN"):
        read_references(path, scheme="PBE")


def test_an_incar_that_adds_a_u(tmp_path):
    plus_u = {"incar": {"LDAU": True, "LDAUU": [3.9, 0], "GGA": "PE"}}
    with pytest.raises(MixedSchemesError, match=r"1 with U \(ZnS\)"):
        read_references(write(tmp_path / "a.json", mixture(**plus_u)), corrections="none", scheme="PBE")


def test_dispersion_is_everywhere_or_nowhere_and_part_of_the_name(tmp_path):
    with_d3 = {"run_type": "GGA", "incar": {"IVDW": 12}}
    path = write(tmp_path / "a.json", mixture(**with_d3))
    with pytest.raises(MixedSchemesError, match=r"dispersion: 2 of none \(Zn, S\) and 1 of IVDW 12 \(ZnS\)"):
        read_references(path, scheme="PBE")
    everywhere = [{**one, "parameters": with_d3} for one in mixture()]
    path = write(tmp_path / "b.json", everywhere)
    with pytest.raises(MixedSchemesError, match="say so in it: 'PBE with IVDW 12'"):
        read_references(path, scheme="PBE")
    stated = read_references(path, scheme="PBE with IVDW 12", corrections="none").references.scheme
    assert same_scheme(stated, read_references(path).references.scheme)
    assert not same_scheme(stated, "PBE, not corrected")


def test_a_family_of_pseudopotentials_may_be_named_alone(tmp_path):
    path = write(tmp_path / "a.json", mixture(run_type="GGA", potcar_functional="LDA_54"))
    others = [{**one, "parameters": {**one["parameters"], "potcar_functional": "PBE_54"}} for one in mixture()[:2]]
    path = write(tmp_path / "a.json", [*others, json.loads(path.read_text())[2]])
    with pytest.raises(MixedSchemesError, match=r"made for 2 of PBE .* and 1 of LDA"):
        read_references(path, scheme="PBE")


def test_what_the_user_says_is_compared_with_what_the_entries_say(tmp_path):
    path = write(tmp_path / "a.json", mixture(run_type="GGA"))
    with pytest.raises(MixedSchemesError, match="the entries themselves say PBE, but the scheme is 'mp-r2scan'"):
        read_references(path, corrections="none", scheme="mp-r2scan")
    with pytest.raises(MixedSchemesError, match="means corrections 'none'"):
        read_references(path, corrections="mp2020", scheme="PBE, not corrected")
    assert read_references(path, corrections="none", scheme="mp-pbe-raw").references.scheme == KNOWN["mp-pbe-raw"].text


def test_corrected_entries_meet_potentials_and_vasp(tmp_path):
    path = write(tmp_path / "a.json", [*elements(), entry("Ti2O4", -52.9)])
    for scheme in ("PBE", "as published", "mp-pbe-2020"):
        read = read_references(path, corrections="auto", scheme=scheme)
        assert read.references.scheme == KNOWN["mp-pbe-2020"].text
    own = read_references(path, corrections="auto", scheme="PBE, 700 eV").references.scheme
    assert not same_scheme(own, "mp-pbe-2020")
    assert own.startswith("PBE, 700 eV, MP2020-corrected")


def test_pseudopotentials_of_one_element_are_compared(tmp_path):
    file = [entry("Ti2", -15.6), entry("O8", -39.4), entry("TiO2", -26.0, potcars={"Ti": "Ti_sv", "O": "O"})]
    with pytest.raises(MixedSchemesError, match=r"pseudopotentials of one element: Ti: Ti_pv \(Ti2\), Ti_sv \(TiO2\)"):
        read_references(write(tmp_path / "a.json", file), corrections="none")
    lda = entry("TiO2", -26.0, potcar_spec=[{"titel": "PAW Ti_pv 01Jan2001"}], potcar_symbols=["LDA Ti_pv", "LDA O"])
    with pytest.raises(MixedSchemesError, match=r"made for 2 of PBE .* and 1 of LDA \(TiO2\)"):
        read_references(write(tmp_path / "b.json", [*file[:2], lda]), corrections="none")


def test_where_only_some_say_it_the_user_is_asked(tmp_path):
    path = write(tmp_path / "a.json", mixture())
    with pytest.raises(InputError, match="1 of 3 entries don't say what they were calculated with"):
        read_references(path, corrections="none")
    assert (
        read_references(path, corrections="none", scheme="PBE, as all").references.scheme
        == "PBE, as all, not corrected"
    )


def crystal(symbols, a, energy, run_type, number):
    """A cell with an energy (eV), as the Materials Project's builders mix them."""
    places = [[0, 0, 0], [0.5, 0.5, 0.5]][: len(symbols)]
    cell = Structure(Lattice.cubic(a), symbols, places)
    names = {"Ga": "Ga_d", "As": "As"}
    potcars = [{"titel": f"PAW_PBE {names[symbol]} 01Jan2001", "hash": None} for symbol in dict.fromkeys(symbols)]
    parameters = {"run_type": run_type, "hubbards": {}, "potcar_spec": potcars}
    return ComputedStructureEntry(cell, energy, parameters=parameters, entry_id=f"mp-{number}-{run_type}")


@pytest.fixture
def mixed():
    """GaAs, mixed by pymatgen's own scheme: r²SCAN for the stable phases, one shifted GGA phase."""
    entries = [
        crystal(["Ga"], 2.8, -2.9, "GGA", 1),
        crystal(["As"], 2.9, -4.6, "GGA", 2),
        crystal(["Ga", "As"], 3.5, -8.4, "GGA", 3),
        crystal(["Ga", "Ga"], 3.6, -5.0, "GGA", 4),
        crystal(["Ga"], 2.8, -11.2, "R2SCAN", 1),
        crystal(["As"], 2.9, -15.0, "R2SCAN", 2),
        crystal(["Ga", "As"], 3.5, -27.4, "R2SCAN", 3),
    ]
    return MaterialsProjectDFTMixingScheme(check_potcar=False).process_entries(entries)


def test_what_the_project_has_mixed_is_taken_as_what_it_is(tmp_path, mixed):
    assert {one.parameters["run_type"] for one in mixed} == {"GGA", "R2SCAN"}
    path = write(tmp_path / "a.json", mixed)
    for corrections in ("included", "auto", None):
        read = read_references(path, corrections=corrections).references
        assert read.scheme == KNOWN["mp-mixed-r2scan"].text
        expected = {one.entry_id: one.energy_per_atom for one in mixed}
        assert dict(zip(read.ids.tolist(), read.energies.tolist(), strict=True)) == pytest.approx(expected)
    for corrections in ("none", "mp2020"):
        with pytest.raises(MixedSchemesError, match="can only be taken so"):
            read_references(path, corrections=corrections)


def test_one_entry_that_was_not_shifted_spoils_the_mixture(tmp_path, mixed):
    stranger = crystal(["Ga", "As", "As"][:2], 3.9, -8.0, "GGA", 9)
    with pytest.raises(MixedSchemesError, match="mixes functionals"):
        read_references(write(tmp_path / "a.json", [*mixed, stranger]), corrections="included")


def document(number, composition, energy, thermo="GGA_GGA+U_R2SCAN", **changes):
    formula = "".join(f"{symbol}{n if n > 1 else ''}" for symbol, n in composition.items())
    return {
        "material_id": f"mp-{number}",
        "thermo_type": thermo,
        "formula_pretty": formula,
        "composition": composition,
        "energy_per_atom": energy,
        "uncorrected_energy_per_atom": None if energy is None else energy + 0.25,
        "energy_type": "R2SCAN" if number % 2 else "GGA",
        **changes,
    }


DOCUMENTS = [document(1, {"Li": 1}, -2.3), document(2, {"F": 1}, -5.0), document(3, {"Li": 1, "F": 1}, -7.0)]


@pytest.mark.parametrize("pack", [list, lambda documents: {"data": documents, "meta": {"total_doc": 3}}])
def test_documents_name_their_hull(tmp_path, pack):
    (tmp_path / "a.json").write_text(json.dumps(pack(DOCUMENTS)))
    read = read_references(tmp_path / "a.json").references
    assert read.scheme == KNOWN["mp-mixed-r2scan"].text
    assert read.energies.tolist() == [-2.3, -5.0, -7.0]
    with pytest.raises(MixedSchemesError, match="its energies are"):
        read_references(tmp_path / "a.json", scheme="mp-pbe-2020")


def test_documents_of_two_hulls_are_told_apart(tmp_path):
    other = [
        {**one, "thermo_type": "GGA_GGA+U", "energy_type": "GGA", "energy_per_atom": one["energy_per_atom"] + 5}
        for one in DOCUMENTS
    ]
    path = write(tmp_path / "a.json", [*DOCUMENTS, *other])
    with pytest.raises(MixedSchemesError, match=r"3 of GGA_GGA\+U_R2SCAN .* and 3 of GGA_GGA\+U .*--only"):
        read_references(path)
    intake = read_references(path, only="GGA_GGA+U")
    assert intake.references.scheme == KNOWN["mp-pbe-2020"].text
    assert intake.references.energies.tolist() == pytest.approx([2.7, 0.0, -2.0])
    assert intake.left_out.counts() == {"other_functional": 3}


def test_documents_that_do_not_say_it_are_asked_about(tmp_path):
    silent = [
        {key: value for key, value in one.items() if key not in {"thermo_type", "energy_type"}} for one in DOCUMENTS
    ]
    path = write(tmp_path / "a.json", silent)
    with pytest.raises(InputError, match="is it GGA_GGA.U_R2SCAN, what the project gives by default"):
        read_references(path)
    assert read_references(path, scheme="mp-pbe-2020").references.scheme == KNOWN["mp-pbe-2020"].text


def test_broken_documents_are_rows(tmp_path):
    odd = [
        document(4, {"Li": 2, "F": 1}, -6.0, formula_pretty="LiF"),
        document(5, {"Li": 1}, None),
        document(6, {"Qq": 1}, -1.0),
        {"material_id": "mp-7", "energy_per_atom": -1.0},
    ]
    intake = read_references(write(tmp_path / "a.json", [*DOCUMENTS, *odd]), bad_rows="leave_out")
    assert intake.left_out.counts() == {
        "broken_entry": 1,
        "formula_differs": 1,
        "no_energy": 1,
        "unreadable_formula": 1,
    }


@pytest.mark.parametrize("column", ["run_type", "functional", "xc_functional"])
def test_tables_with_a_column_of_functionals(tmp_path, column):
    (tmp_path / "a.csv").write_text(f"formula,energy_ev_per_atom,{column}\nLi,-2,GGA\nF2,-2,GGA\nLiF,-5,SCAN\n")
    with pytest.raises(MixedSchemesError, match="2 of PBE .* and 1 of SCAN"):
        read_references(tmp_path / "a.csv", scheme="PBE")


def test_tables_whose_corrections_only_the_user_knows(tmp_path):
    rows = "Fe,-8.4,GGA\nO2,-4.9,GGA\nFe2O3,-6.7,GGA+U\nFeO,-6.3,GGA+U\n"
    (tmp_path / "a.csv").write_text(f"formula,energy_ev_per_atom,run_type\n{rows}")
    with pytest.raises(MixedSchemesError, match="mixes GGA and GGA.U without corrections"):
        read_references(tmp_path / "a.csv")
    read = read_references(tmp_path / "a.csv", scheme="mp-pbe-2020").references
    assert read.scheme == KNOWN["mp-pbe-2020"].text


def test_a_record_of_two_functionals_is_refused(tmp_path):
    cell = {"lattice": [3.0, 0, 0, 0, 3.0, 0, 0, 0, 3.0], "species": ["Fe"], "frac_coords": [0.0, 0.0, 0.0]}
    rows = [
        {
            "id": name,
            "energy_per_atom_ev": energy,
            "run_type": functional,
            **{f"{key}{side}": value for key, value in cell.items() for side in ("_unrelaxed", "_relaxed")},
        }
        for name, energy, functional in [("a", -8.0, "GGA"), ("b", -20.0, "R2SCAN"), ("c", -8.1, "GGA")]
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    with pytest.raises(MixedSchemesError, match=r"2 of PBE \(a, c\) and 1 of r2SCAN \(b\)"):
        read_candidates(tmp_path / "a.parquet")


def test_entries_that_are_none_are_rows_and_their_classes_are_not_loaded(tmp_path):
    good = mixture(run_type="GGA")
    trap = {**good[2], "entry_id": "trap", "data": {"x": {"@module": "os", "@class": "system"}}}
    odd = [
        {"entry_id": "no energy", "composition": {"Zn": 1}},
        bare({}, -1.0, name="empty"),
        bare({"Zn": "many"}, 1, "odd"),
        {"entry_id": "text", "composition": {"Zn": 1}, "energy": "-1.2"},
        {"entry_id": "null", "composition": {"Zn": 1}, "energy": None},
    ]
    path = write(tmp_path / "a.json", [*good, trap, *odd])
    intake = read_references(path, corrections="none", bad_rows="leave_out")
    assert intake.left_out.counts() == {"broken_entry": 2, "no_energy": 2, "not_a_number": 1}
    for one in odd:
        with pytest.raises(MlhullError, match=str(one["entry_id"])):
            read_references(write(tmp_path / "b.json", [*good, one]), corrections="none", bad_rows="refuse")
    assert "trap" in intake.references.ids.tolist()
