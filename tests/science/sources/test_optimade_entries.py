"""Entries as databases send them, whole and broken; no server is asked."""

from __future__ import annotations

import pytest

from aiida_mlhull.science.sources import SOURCES
from aiida_mlhull.science.sources.base import sift

CUBE = [[4.0, 0, 0], [0, 4.0, 0], [0, 0, 4.0]]


def pure(symbol):
    return {"name": symbol, "chemical_symbols": [symbol], "concentration": [1.0]}


WHOLE = {
    "lattice_vectors": CUBE,
    "cartesian_site_positions": [[0, 0, 0], [2, 2, 2]],
    "species": [pure("Cs"), pure("Cl")],
    "species_at_sites": ["Cs", "Cl"],
    "dimension_types": [1, 1, 1],
    "structure_features": [],
}


def sifted(**changes):
    asked = SOURCES["optimade"]("https://database.example")
    return sift("database", [asked.row({"id": "changed", **WHOLE, **changes}), asked.row({"id": "whole", **WHOLE})])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lattice_vectors": [[4, 0, 0], [4, 0, 0], [0, 0, 4]]}, "no_volume"),
        ({"lattice_vectors": [[4, 0, 0], [0, 4, 0], [0, 0, None]]}, "not_finite"),
        ({"lattice_vectors": [[4, 0, 0], [0, 4, 0], [None, None, None]]}, "not_periodic"),
        ({"lattice_vectors": [None, [0, 4, 0], [0, 0, 4]]}, "broken_lists"),
        ({"lattice_vectors": "cubic"}, "broken_lists"),
        ({"lattice_vectors": None}, "no_cell"),
        ({"cartesian_site_positions": [[0, 0, 0]]}, "broken_lists"),
        ({"cartesian_site_positions": [[0, 0, 0], [2, None, 2]]}, "not_finite"),
        ({"cartesian_site_positions": [[0, 0, 0], [0, 0, 0]]}, "overlapping_atoms"),
        ({"dimension_types": [1, 1, 0]}, "not_periodic"),
        ({"structure_features": ["implicit_atoms"]}, "implicit_atoms"),
        ({"species_at_sites": ["Cs", "X"]}, "unknown_element"),
        ({"species": [{**pure("Cs"), "concentration": [0.5]}, pure("Cl")]}, "disordered"),
    ],
)
def test_what_is_no_ordered_crystal_is_a_row_with_a_reason(changes, reason):
    portion = sifted(**changes)
    assert portion.left_out.ids.tolist() == ["changed"]
    assert portion.left_out.reasons.tolist() == [reason]
    assert portion.candidates.ids.tolist() == ["whole"]


@pytest.mark.parametrize(
    "changes",
    [
        {"lattice_vectors": CUBE[::-1]},
        {"species": [pure("Cs")]},
        {"dimension_types": None},
        {"structure_features": None},
    ],
)
def test_what_can_be_read_is_read(changes):
    portion = sifted(**changes)
    assert portion.candidates.formulas.tolist() == ["CsCl", "CsCl"]
