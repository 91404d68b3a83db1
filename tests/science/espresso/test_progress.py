"""The cell that a run of pw.x is at, from excerpts of real output."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.espresso.progress import last_cell, seconds_spent

FIRST = """
CELL_PARAMETERS (angstrom)
   0.000000000   3.276123712   3.276123712
   3.276123712  -0.000000000   3.276123712
   3.276123712   3.276123712   0.000000000

ATOMIC_POSITIONS (crystal)
Si            0.0000000000        0.0000000000        0.0000000000    0   0   0
Mg            0.2500000000        0.2500000000        0.2500000000    0   0   0
Mg            0.7500000000        0.7500000000        0.7500000000    0   0   0

     total cpu time spent up to now is        2.3 secs
"""
SECOND = """
CELL_PARAMETERS (alat=  6.00000000)
   0.000000000   1.006345600   1.006345600
   1.006345600   0.000000000   1.006345600
   1.006345600   1.006345600   0.000000000

ATOMIC_POSITIONS (angstrom)
Si            0.0000000000        0.0000000000        0.0000000000
Mg            1.5976270000        1.5976270000        1.5976270000
Mg            4.7928810000        4.7928810000        4.7928810000
     total cpu time spent up to now is       11.9 secs
"""


def test_the_last_cell_that_is_whole():
    assert last_cell("     Program PWSCF v.6.7MaX starts") is None
    lattice, coordinates = last_cell(FIRST)
    assert np.linalg.det(lattice) == pytest.approx(2 * 3.276123712**3)
    assert coordinates[2].tolist() == [0.75, 0.75, 0.75]
    lattice, coordinates = last_cell(FIRST + SECOND)
    assert lattice[0, 1] == pytest.approx(1.0063456 * 6 * 0.529177210544)
    assert coordinates[1] == pytest.approx(np.full(3, 0.25), abs=1e-5)
    torn = SECOND.split("ATOMIC_POSITIONS", maxsplit=1)[0].rsplit("\n", 3)[0]
    assert np.linalg.det(last_cell(FIRST + torn)[0]) == pytest.approx(2 * 3.276123712**3)


def test_the_time_of_a_run_without_an_end():
    assert seconds_spent(FIRST + SECOND) == 11.9
    assert seconds_spent("     Program PWSCF") is None
