"""From parsed results to rows and entries: order of sites, corrections by both conventions, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from aiida_mlhull.science.relaxation.conventions import MP2020_CORRECTED, MP2020_RAW, mp2020_corrections
from aiida_mlhull.science.types import Crystals, References
from aiida_mlhull.science.vasp import Account, VaspSettings, read_step, vasp_inputs
from aiida_mlhull.science.vasp.reading import ParsedRun, ionic_steps, read
from aiida_mlhull.science.vasp.results import hubbard_values, run_type
from tests.science.vasp.crystals import candidate, mixed_anion, oxide

RAW = -8.0


def rutile() -> Structure:
    return Structure.from_spacegroup(
        "P4_2/mnm", Lattice.tetragonal(4.59, 2.96), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]]
    )


def wurtzite() -> Structure:
    return Structure.from_spacegroup(
        "P6_3mc", Lattice.hexagonal(3.25, 5.2), ["Zn", "O"], [[1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, 0.382]]
    )


def step_of(**said):
    return read_step(VaspSettings(protocol="mp-compatible", **said), stage="final")


def outcome(structure, step, *, potentials=None, incar=None, **parsed):
    """What a calculation leaves that moved nothing, at RAW eV/atom."""
    made = vasp_inputs(structure, step)
    names = {**made.potentials, **(potentials or {})}
    account = Account(
        chain_status=0,
        job_statuses=(0,),
        core_minutes=3.0,
        titles={element: f"PAW_PBE {name} 01Jan2000" for element, name in names.items()},
        program="vasp 6.4.3",
    )
    found = ParsedRun(
        misc={"total_energies": {"energy_extrapolated": RAW * len(structure)}, **parsed},
        incar={**made.incar, **(incar or {})},
        lattice=np.asarray(made.structure.lattice.matrix),
        frac_coords=np.asarray(made.structure.frac_coords),
    )
    return account, found


def row_of(structure, step, **kwargs):
    references = kwargs.pop("references", None)
    account, found = outcome(structure, step, **kwargs)
    return read(candidate(structure), account, found, step=step, stage="final", references=references)


@pytest.mark.parametrize("structure", [rutile(), wurtzite(), oxide()], ids=["TiO2", "ZnO", "LaFeO3"])
def test_both_conventions_of_an_oxide_agree_with_the_potentials(structure) -> None:
    raw = row_of(structure, step_of()).labels
    corrected = row_of(structure, step_of(corrections="mp2020")).labels
    assert (raw.scheme, corrected.scheme) == (MP2020_RAW, MP2020_CORRECTED)
    assert raw.energies[0] == pytest.approx(RAW)
    assert corrected.energies[0] < RAW - 0.2
    assert corrected.energies[0] == pytest.approx(RAW + mp2020_corrections(raw.crystals)[0], abs=1e-9)


def test_a_wrong_u_is_refused_and_the_right_one_accepted() -> None:
    step = step_of(corrections="mp2020")
    right = row_of(oxide(), step)
    assert right.labels.failures[0] == ""
    assert right.entry is not None
    assert right.entry.parameters["hubbards"] == {"Fe": 5.3}
    assert right.entry.parameters["run_type"] == "GGA+U"
    for wrong in (4.0, 0.0):
        refused = row_of(oxide(), step_of(corrections="mp2020", elements={"Fe": {"u": wrong}}))
        assert refused.entry is None
        assert np.isnan(refused.labels.energies[0])
        assert refused.labels.failures[0].startswith("engine_error: MP2020 refused: ")
        assert "U" in refused.labels.failures[0]


def test_another_potential_or_functional_is_refused() -> None:
    step = step_of(corrections="mp2020")
    other = row_of(rutile(), step, potentials={"Ti": "Ti_sv"})
    assert "Ti_sv" in other.labels.failures[0] or "potcar" in other.labels.failures[0].lower()
    pbesol = row_of(rutile(), step, incar={"gga": "PS"})
    assert "PBEsol" in pbesol.labels.failures[0]


def test_sites_come_back_in_the_candidates_order() -> None:
    structure = mixed_anion()
    row = candidate(structure)
    step = step_of()
    moments = {
        str(i + 1): {"tot": float(site.specie.Z)} for i, site in enumerate(vasp_inputs(structure, step).structure)
    }
    reading = row_of(structure, step, site_magnetization={"sphere": {"x": {"site_moment": moments}}})
    assert row.crystals is not None
    assert np.allclose(reading.labels.crystals.frac_coords, row.crystals.frac_coords)
    assert np.array_equal(reading.labels.crystals.numbers, row.crystals.numbers)
    assert reading.entry is not None
    assert reading.entry.data["magnetic_moments"] == row.crystals.numbers.tolist()


def test_a_change_of_symmetry_is_visible() -> None:
    structure, step = rutile(), step_of()
    account, found = outcome(structure, step)
    assert found.frac_coords is not None
    sheared = np.asarray(found.lattice) @ np.asarray([[1.0, 0.12, 0], [0, 1, 0], [0, 0, 1]])
    reading = read(candidate(structure), account, replace(found, lattice=sheared), step=step, stage="final")
    assert reading.entry is not None
    before, after = (reading.entry.data[f"protostructure_{when}"] for when in ("before", "after"))
    assert before == "A2B_tP6_136_f_a:O-Ti"
    assert after != before
    assert reading.labels.protostructures is not None
    assert reading.labels.protostructures[0] == after


def test_a_static_calculation_hands_the_cell_on() -> None:
    structure = mixed_anion()
    step = read_step(VaspSettings(protocol="mp-compatible"), stage="static")
    account, found = outcome(structure, step)
    bare = replace(found, lattice=None, frac_coords=None)
    reading = read(candidate(structure), account, bare, step=step, stage="static")
    assert reading.labels.failures[0] == ""
    assert np.allclose(reading.labels.crystals.frac_coords, Crystals.from_structures([structure]).frac_coords)
    account, found = outcome(structure, step_of())
    bare = replace(found, lattice=None, frac_coords=None)
    lost = read(candidate(structure), account, bare, step=step_of(), stage="final")
    assert lost.labels.failures[0].startswith("engine_error")


def test_a_failure_keeps_the_cell_that_went_in_and_what_it_cost() -> None:
    structure, step = mixed_anion(), step_of()
    account, found = outcome(structure, step)
    reading = read(
        candidate(structure), account, replace(found, lattice=np.asarray(found.lattice) * 4), step=step, stage="final"
    )
    assert reading.labels.failures[0] == "unphysical_cell: volume x 64"
    assert np.allclose(reading.labels.crystals.lattices[0], structure.lattice.matrix)
    assert reading.labels.core_minutes[0] == 3.0


def test_what_lies_hopelessly_far_above_the_hull_is_stopped() -> None:
    references = References.from_rows(
        ids=["element:O", "element:Ti", "known"],
        formulas=["O2", "Ti", "TiO2"],
        energies=[-4.9, -7.8, RAW - 1.0],
        scheme=MP2020_RAW,
    )
    limits = {"hopeless_above": 0.9}
    reading = row_of(rutile(), step_of(limits=limits), references=references)
    assert reading.labels.failures[0] == "hopeless_energy: 1.000 eV/atom above the references' hull"
    assert row_of(rutile(), step_of(limits={"hopeless_above": 1.1}), references=references).labels.failures[0] == ""
    assert row_of(rutile(), step_of(limits=limits)).labels.failures[0] == ""


@pytest.mark.parametrize(
    ("incar", "u", "name"),
    [
        ({}, {}, "GGA"),
        ({"gga": "PE"}, {"Fe": 5.3}, "GGA+U"),
        ({"gga": "PS"}, {}, "PBEsol"),
        ({"gga": "RP"}, {}, "RP"),
        ({"metagga": "R2SCAN", "gga": None}, {}, "R2SCAN"),
    ],
)
def test_the_functionals_name(incar, u, name) -> None:
    assert run_type(incar, u) == name


def test_u_minus_j_counts() -> None:
    incar = {"ldau": True, "ldauu": [0, 4.0, 2.0], "ldauj": [0, 1.0, 2.0]}
    assert hubbard_values(incar, ["La", "Fe", "O"]) == {"Fe": 3.0}
    assert hubbard_values({**incar, "ldau": False}, ["La", "Fe", "O"]) == {}


def test_ionic_steps_become_rows_in_the_candidates_order() -> None:
    structure = mixed_anion()
    row = candidate(structure)
    arranged = vasp_inputs(structure, step_of()).structure
    cells = np.stack([np.asarray(arranged.lattice.matrix) * scale for scale in (1.0, 1.1, 1.2)])
    positions = np.stack([np.asarray(arranged.frac_coords)] * 3)
    rows = ionic_steps(row, cells, positions, np.asarray([-60.0, -66.0]), stage="final", scheme=MP2020_RAW)
    assert rows is not None
    assert rows.ids.tolist() == ["one/final/0000", "one/final/0001"]
    assert rows.energies.tolist() == [-10.0, -11.0]
    assert row.crystals is not None
    assert np.allclose(rows.crystals.take([1]).frac_coords, row.crystals.frac_coords)
    assert np.allclose(rows.crystals.lattices[1], row.crystals.lattices[0] * 1.1)
    assert ionic_steps(row, cells, positions, np.asarray([]), stage="final", scheme=MP2020_RAW) is None
