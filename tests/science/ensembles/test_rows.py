"""Joining cells, labels and references: nothing is lost without being counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Composition

from aiida_mlhull.science.ensembles.rows import crystals_of, elemental_mixtures, model_rows, training_rows
from aiida_mlhull.science.errors import (
    CrystalError,
    InputError,
    MissingEndMembersError,
    MixedSchemesError,
    TableError,
    TooFewLabelsError,
)
from aiida_mlhull.science.types import Candidates, Crystals, Labels, References

SCHEME = "PBE"


def rock_salts(pairs: list[tuple[int, int]], edge: float = 4.0) -> Crystals:
    """Primitive rock-salt cells of element pairs."""
    fcc = edge / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    return Crystals.from_lists([fcc] * len(pairs), pairs, [[[0, 0, 0], [0.5, 0.5, 0.5]]] * len(pairs))


MG_O, CA_O, TI_N = (12, 8), (20, 8), (22, 7)


@pytest.fixture
def candidates() -> Candidates:
    """Four unrelaxed cells."""
    return Candidates(
        ids=np.array(["a", "b", "c", "d"]),
        formulas=np.array(["MgO", "CaO", "TiN", "MgO"]),
        crystals=rock_salts([MG_O, CA_O, TI_N, MG_O]),
        protostructures=np.full(4, ""),
        origins=np.full(4, "by hand"),
    )


@pytest.fixture
def labels() -> Labels:
    """Results for three of them, one failed, and for one that is unknown."""
    return Labels(
        ids=np.array(["a", "b", "c", "x"]),
        formulas=np.array(["MgO", "CaO", "TiN", "CaO"]),
        energies=np.array([-6.0, -6.5, np.nan, -1.0]),
        crystals=rock_salts([MG_O, CA_O, TI_N, CA_O], edge=4.2),
        failures=np.array(["", "", "not_converged_ionically", ""]),
        core_minutes=np.ones(4),
        stage="final",
        engine="by hand",
        scheme=SCHEME,
    )


@pytest.fixture
def references() -> References:
    """Elements, one of them in two forms and one as a larger formula unit, and a compound."""
    return References.from_rows(
        ids=["1", "2", "3", "4", "5", "6", "7"],
        formulas=["Mg", "Mg", "O8", "Ca", "Ti", "N2", "MgO"],
        energies=[-1.5, -1.6, -4.9, -2.0, -7.8, -8.3, -6.1],
        scheme=SCHEME,
    )


def test_labels_become_rows_with_both_cells_and_the_elements_energy(candidates, labels, references):
    rows, _ = training_rows(candidates, labels, references, baseline="references")
    assert rows.ids.tolist() == ["a", "b"]
    assert rows.energies.tolist() == [-6.0, -6.5]
    # (-1.6 - 4.9) / 2 and (-2.0 - 4.9) / 2: the lower form of Mg counts.
    np.testing.assert_allclose(rows.baselines, [-3.25, -3.45], rtol=0, atol=1e-15)
    np.testing.assert_allclose(rows.crystals.volumes, 16.0)
    np.testing.assert_allclose(rows.relaxed.volumes, 4.2**3 / 4)


def test_what_can_not_be_learned_from_is_counted(candidates, labels, references):
    rows, left_out = training_rows(candidates, labels, references, baseline="references")
    assert left_out == {"failed": 1, "without_cell": 1, "without_baseline": 0}
    assert len(rows) + sum(left_out.values()) == len(labels)


def test_energy_of_the_stage_before_is_the_baseline(labels, references):
    before = replace(labels, energies=np.array([-5.0, np.nan, -9.0, np.nan]), failures=np.array(["", "x_f", "", "x_f"]))
    rows, left_out = training_rows(before, labels, references, baseline="stage")
    assert rows.ids.tolist() == ["a"]
    assert rows.baselines.tolist() == [-5.0]
    assert left_out == {"failed": 1, "without_cell": 0, "without_baseline": 2}


def test_stage_baseline_may_be_of_another_scheme(labels, references):
    before = replace(labels, scheme="a potential")
    rows, _ = training_rows(before, labels, replace(references, scheme="whatever"), baseline="stage")
    assert rows.ids.tolist() == ["a", "b", "x"]


def test_only_the_rows_asked_for(candidates, references):
    assert model_rows(candidates, references, baseline="references", ids=["d", "a"]).ids.tolist() == ["a", "d"]
    assert len(model_rows(candidates, references, baseline="references")) == 4


def test_nothing_to_learn_from(candidates, labels, references):
    with pytest.raises(TooFewLabelsError, match=r"none of 2 labels .*1 failed, 1 without_cell"):
        training_rows(candidates, labels.select(["c", "x"]), references, baseline="references")


def test_label_of_another_composition_names_the_row(candidates, labels, references):
    swapped = replace(labels, formulas=np.array(["MgO", "MgO", "TiN", "CaO"]))
    with pytest.raises(TableError, match=r"b \(CaO became MgO\)$"):
        training_rows(candidates, swapped, references, baseline="references")


def test_another_spelling_is_the_same_composition(candidates, labels, references):
    spelled = replace(labels, formulas=np.array(["OMg", "Ca2O2", "TiN", "CaO"]))
    assert len(training_rows(candidates, spelled, references, baseline="references").rows) == 2


def test_references_of_another_scheme(candidates, labels, references):
    with pytest.raises(MixedSchemesError, match="r2SCAN"):
        training_rows(candidates, labels, replace(references, scheme="r2SCAN"), baseline="references")


def test_missing_element_is_named(candidates, labels, references):
    with pytest.raises(MissingEndMembersError, match="Ca"):
        training_rows(candidates, labels, references.without(["4"]), baseline="references")


def test_candidates_have_no_stage_before(candidates, references):
    with pytest.raises(InputError, match="come from no stage"):
        model_rows(candidates, references, baseline="stage")


def test_failed_stage_can_not_be_asked_about(labels, references):
    with pytest.raises(TableError, match=r"no energy in stage 'final'.*: c"):
        model_rows(labels, references, baseline="stage")


def test_candidates_that_are_only_labels(candidates, references):
    by_cell = model_rows(candidates, references, baseline="references")
    by_label = model_rows(replace(candidates, crystals=None), references, baseline="references")
    assert by_cell.protostructures is None
    assert by_label.protostructures.tolist() == candidates.protostructures.tolist()
    np.testing.assert_array_equal(by_label.baselines, by_cell.baselines)


def test_candidates_that_are_only_labels_can_not_be_relaxed(candidates):
    with pytest.raises(CrystalError, match="without cells"):
        crystals_of(replace(candidates, crystals=None))


def test_unknown_id(candidates, references):
    with pytest.raises(TableError, match="unknown ids: q"):
        model_rows(candidates, references, baseline="references", ids=["a", "q"])


ELEMENTS = {"Li": -1.9, "Ti": -7.8, "N": -8.3, "O": -4.9, "As": -4.7}


@given(
    st.lists(st.dictionaries(st.sampled_from(sorted(ELEMENTS)), st.integers(1, 12), min_size=1), min_size=1, max_size=5)
)
def test_mixtures_agree_with_pymatgen(counts):
    compositions = [Composition(count) for count in counts]
    references = References.from_rows(
        ids=sorted(ELEMENTS), formulas=sorted(ELEMENTS), energies=[ELEMENTS[e] for e in sorted(ELEMENTS)]
    )
    expected = [
        sum(composition.get_atomic_fraction(element) * ELEMENTS[element.symbol] for element in composition)
        for composition in compositions
    ]
    formulas = np.array([composition.formula for composition in compositions])
    np.testing.assert_allclose(elemental_mixtures(formulas, references), expected, rtol=0, atol=1e-12)
