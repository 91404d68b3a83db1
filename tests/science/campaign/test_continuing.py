"""A record that goes on from relaxed cells, on three crystals that can be followed by eye."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from aiida_mlhull.science.campaign.continuing import continue_from
from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.types import Candidates, Crystals, Labels

ROCK_SALT = Structure.from_spacegroup(225, Lattice.cubic(4.2), ["Ti", "N"], [[0, 0, 0], [0.5] * 3])
ZINC_BLENDE = Structure.from_spacegroup(216, Lattice.cubic(4.6), ["Ti", "N"], [[0, 0, 0], [0.25] * 3])
CSCL = Structure.from_spacegroup(221, Lattice.cubic(2.6), ["Ti", "N"], [[0, 0, 0], [0.5] * 3])


def labels(cells, energies, failures=("", "", "", "")) -> Labels:
    n = len(cells)
    return Labels(
        ids=np.array([f"c{k}" for k in range(n)]),
        formulas=np.full(n, "TiN"),
        energies=np.array(energies, dtype=float),
        crystals=Crystals.from_structures(cells),
        failures=np.array(failures[:n], dtype=np.str_),
        core_minutes=np.arange(n, dtype=float),
        stage="potential",
        engine="test",
        scheme="PBE",
    )


CANDIDATES = Candidates.from_rows(
    ids=[f"c{k}" for k in range(4)],
    formulas=["TiN"] * 4,
    crystals=Crystals.from_structures([ROCK_SALT, ZINC_BLENDE, CSCL, CSCL]),
    protostructures=[""] * 4,
    origins=["test"] * 4,
)


def test_every_candidate_gets_the_result_that_its_cell_is() -> None:
    """The published c1 has become rock salt, c2 zinc blende; the potential kept all but c3, which became zinc blende."""
    record = labels([ROCK_SALT, ROCK_SALT, ZINC_BLENDE, ROCK_SALT], [-10.0, -10.1, -9.0, -9.9])
    stage = labels([ROCK_SALT, ZINC_BLENDE, CSCL, ZINC_BLENDE], [-9.5, -9.1, -8.0, -9.1])
    found = continue_from(stage, CANDIDATES, record)
    assert found.record.ids.tolist() == ["c0", "c1"]
    assert found.record.energies.tolist() == [-10.1, -9.0]
    assert found.record.core_minutes.tolist() == [1.0, 2.0]
    assert found.candidates.ids.tolist() == ["c0", "c1"]
    assert (found.failed, found.unknown, found.twins) == (0, 1, 1)
    assert "of 4 candidates 2 are left; 1 became the same crystal" in found.remark("potential")
    assert (
        "1 (25%) are left out: 1 whose relaxed cell is not among the published results, 0 that failed"
        in found.remark("potential")
    )


def test_a_row_that_kept_its_own_result_speaks_for_its_twins() -> None:
    record = labels([CSCL, ROCK_SALT, CSCL, CSCL], [-8.0, -10.0, -8.1, -8.2])
    stage = labels([ROCK_SALT, ROCK_SALT, ROCK_SALT, ROCK_SALT], [-9.5] * 4)
    found = continue_from(stage, CANDIDATES, record)
    assert found.candidates.ids.tolist() == ["c1"]
    assert found.twins == 3


def test_results_that_change_places_follow_their_cells() -> None:
    """The published c0 became zinc blende and c1 rock salt; the potential kept both as they were."""
    record = labels([ZINC_BLENDE, ROCK_SALT, CSCL, CSCL], [-9.0, -10.0, -8.0, -8.0])
    stage = labels([ROCK_SALT, ZINC_BLENDE, CSCL, CSCL], [-9.5, -9.1, -8.0, -8.0])
    found = continue_from(stage, CANDIDATES, record)
    assert found.record.ids.tolist() == ["c0", "c1", "c2"]
    assert found.record.energies.tolist() == [-10.0, -9.0, -8.0]
    assert found.record.core_minutes.tolist() == [1.0, 0.0, 2.0]


def test_what_failed_in_the_stage_is_counted() -> None:
    record = labels([ROCK_SALT] * 4, [-10.0] * 4)
    stage = labels([ROCK_SALT] * 4, [-9.0, np.nan, -9.0, -9.0], ("", "unphysical_cell", "", ""))
    found = continue_from(stage, CANDIDATES, record)
    assert (found.failed, found.unknown, found.twins, len(found.record)) == (1, 0, 2, 1)


def test_nothing_left_is_an_error() -> None:
    record = labels([ROCK_SALT] * 4, [-10.0] * 4)
    with pytest.raises(InputError, match="no candidate's cell after stage potential"):
        continue_from(replace(record, crystals=Crystals.from_structures([CSCL] * 4)), CANDIDATES, record)
