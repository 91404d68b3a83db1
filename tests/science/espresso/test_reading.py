"""From parsed results to rows and entries: energy per atom, cells, reasons, ionic steps."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.dft.account import Account
from aiida_mlhull.science.espresso.reading import ParsedPwRun, ionic_steps, read
from aiida_mlhull.science.types import References
from tests.science.espresso.families import candidate, family, fluorite, step

ENERGY = -155.4
WELL = Account(chain_status=0, job_statuses=(0,), core_minutes=0.6, program="Quantum ESPRESSO 7.2")


def run(lattice=None, **parsed) -> ParsedPwRun:
    crystal = fluorite()
    return ParsedPwRun(
        parameters={"energy": ENERGY, "smearing_type": "mv", **parsed},
        lattice=np.asarray(crystal.lattice.matrix) * 0.98 if lattice is None else lattice,
        frac_coords=np.asarray(crystal.frac_coords),
    )


def reading(account=WELL, parsed=None, references=None, **differs):
    parsed = run() if parsed is None else parsed
    return read(
        candidate(fluorite()),
        account,
        parsed,
        step=step(**differs),
        family=family(),
        stage="final",
        references=references,
    )


def test_a_row_and_an_entry():
    found = reading()
    labels = found.labels
    assert labels.energies.tolist() == [pytest.approx(ENERGY / 3)]
    assert labels.failures.tolist() == [""]
    assert labels.core_minutes.tolist() == [0.6]
    assert labels.crystals.volumes[0] == pytest.approx(0.98**3 * fluorite().volume)
    assert labels.crystals.structure(0).species == fluorite().species
    assert labels.engine == "Quantum ESPRESSO 7.2"
    assert "three/1.0" in labels.scheme
    assert found.entry.energy == pytest.approx(ENERGY)
    assert found.entry.correction == 0
    assert found.entry.entry_id == "one"


def test_a_failed_row_keeps_the_cell_that_went_in():
    found = reading(account=Account(chain_status=402, job_statuses=(502,)))
    assert found.entry is None
    assert found.labels.failures.tolist() == ["not_converged_ionically"]
    assert np.isnan(found.labels.energies[0])
    assert found.labels.crystals.volumes[0] == pytest.approx(fluorite().volume)


def test_a_static_calculation_needs_no_cell():
    bare = ParsedPwRun(parameters={"energy": ENERGY}, lattice=None, frac_coords=None)
    assert reading(parsed=bare, freedom="static").labels.failures.tolist() == [""]
    assert reading(parsed=bare).labels.failures[0].startswith("engine_error")


def test_a_cell_that_ran_away():
    exploded = run(lattice=np.asarray(fluorite().lattice.matrix) * 3)
    assert reading(parsed=exploded).labels.failures[0] == "unphysical_cell: volume x 27"
    roomy = {"limits": {"volume_ratio": 30}}
    assert reading(parsed=exploded, **roomy).labels.failures[0] == ""


def test_what_is_hopeless_is_given_up():
    references = References(
        ids=np.asarray(["Mg", "Si"]),
        formulas=np.asarray(["Mg", "Si"]),
        energies=np.asarray([-24.0, -107.4]),
        scheme="x",
    )
    ideal = (2 * -24.0 - 107.4) / 3  # -51.8: ENERGY / 3 lies on it
    limits = {"limits": {"hopeless_above": 0.3}}
    assert reading(references=references, **limits).labels.failures[0] == ""
    high = run(energy=3 * (ideal + 0.5))
    assert reading(parsed=high, references=references, **limits).labels.failures[0].startswith("hopeless_energy: 0.500")
    assert reading(parsed=high, references=references).labels.failures[0] == ""


def test_ionic_steps_end_with_the_energy_of_the_last_cells_own_plane_waves():
    crystal = fluorite()
    cells = np.stack([np.asarray(crystal.lattice.matrix) * scale for scale in (1.0, 0.99)])
    positions = np.stack([crystal.frac_coords @ cell for cell in cells])
    steps = ionic_steps(
        candidate(crystal), cells, positions, np.asarray([-3.0, -6.0, -5.7]), stage="coarse", scheme="s"
    )
    assert steps.ids.tolist() == ["one/coarse/0000", "one/coarse/0001"]
    assert steps.energies == pytest.approx(np.asarray([-1.0, -1.9]))
    assert np.allclose(steps.crystals.frac_coords, np.tile(crystal.frac_coords, (2, 1)))
    fewer = ionic_steps(candidate(crystal), cells, positions, np.asarray([-3.0]), stage="coarse", scheme="s")
    assert fewer.energies == pytest.approx(np.asarray([-1.0]))
    assert ionic_steps(candidate(crystal), cells[:0], positions[:0], np.empty(0), stage="coarse", scheme="s") is None
