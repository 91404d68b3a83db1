"""Cells found again among those of another method."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aiida_mlhull.science.cleaning.matches import found_again, stayed
from aiida_mlhull.science.types import Labels
from tests.science.real_crystals import disguised, pnictides


def results(rows, crystals, *, shift=0.0) -> Labels:
    return Labels(
        ids=rows.ids,
        formulas=rows.formulas,
        energies=rows.energies + shift,
        crystals=crystals,
        failures=np.full(len(rows), "", dtype=np.str_),
        core_minutes=np.zeros(len(rows)),
        stage="potential",
        engine="test",
        scheme="PBE",
    )


def test_the_same_crystal_in_other_words_and_a_little_larger_is_found() -> None:
    rows = pnictides().take(range(0, 354, 12))
    known = results(rows, rows.relaxed)
    larger = rows.relaxed.with_volumes_per_atom(1.03 * rows.relaxed.volumes_per_atom)
    found = found_again(results(rows, disguised(larger, seed=2), shift=0.4), known)
    # Several rows may have relaxed to one crystal: then the lowest is found, which is no higher than the row itself.
    assert (found >= 0).all()
    assert (known.energies[found] <= known.energies + 1e-12).all()
    assert (known.formulas[found] == known.formulas).all()
    assert (found == np.arange(len(rows))).mean() > 0.7


def test_a_cell_that_went_elsewhere_is_not_found() -> None:
    rows = pnictides().take(range(0, 354, 12))
    known = results(rows, rows.relaxed)
    swollen = rows.relaxed.with_volumes_per_atom(1.5 * rows.relaxed.volumes_per_atom)
    assert (found_again(results(rows, swollen), known) == -1).all()
    other_names = replace(known, formulas=np.full(len(rows), "TiO2"))
    assert (found_again(results(rows, rows.relaxed), other_names) == -1).all()


def test_results_that_failed_are_not_found() -> None:
    rows = pnictides().take([0, 40])
    known = results(rows, rows.relaxed)
    failed = replace(known, energies=np.array([np.nan, known.energies[1]]), failures=np.array(["out_of_time", ""]))
    assert found_again(known, failed).tolist() == [-1, 1]


def test_what_stayed_stayed() -> None:
    rows = pnictides().take(range(0, 354, 12))
    assert stayed(rows.relaxed, disguised(rows.relaxed, seed=5)).all()
    kept = stayed(rows.crystals.with_volumes_per_atom(rows.relaxed.volumes_per_atom), rows.relaxed)
    assert 0 < kept.sum() < len(rows)
