"""The incremental hull is the hull, after any sequence of comings and goings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiida_mlhull.science.errors import FormulaError, InputError, MissingEndMembersError, TableError
from aiida_mlhull.science.hull import LiveHull, distances
from aiida_mlhull.science.types import References

ELEMENTS = ["Li", "Ti", "O"]
CANDIDATES = ["Li2TiO3", "LiTiO2", "TiO2", "Li4Ti5O12", "Li2O", "Ti3O5", "Li2TiO3", "O", "LiTi"]


def table(entries):
    return References.from_rows(
        ids=list(entries),
        formulas=[formula for formula, _ in entries.values()],
        energies=np.asarray([energy for _, energy in entries.values()]),
    )


@st.composite
def histories(draw):
    """Entries that come and go: (add or withdraw, formula, energy in 1/16 eV)."""
    formulas = ["Li", "Ti", "O", "TiO2", "Ti3O5", "Li2O", "LiO2", "Li2TiO3", "LiTi", "LiTiO", "Li2Ti2O5"]
    step = st.tuples(st.sampled_from(["add", "add", "withdraw"]), st.sampled_from(formulas), st.integers(-60, 10))
    return draw(st.lists(step, min_size=1, max_size=20))


@given(histories())
def test_equals_the_hull_from_scratch(history):
    entries = {element: (element, 0.0) for element in ELEMENTS}
    live = LiveHull(CANDIDATES, table(entries))
    for number, (what, formula, energy) in enumerate(history):
        before = live.hull_energy
        if what == "add":
            name = f"e-{number:03d}"
            entries[name] = (formula, energy / 16)
            changed = live.add([name], [formula], [energy / 16])
        else:
            name = next((n for n, (f, _) in reversed(entries.items()) if f == formula and n not in ELEMENTS), None)
            if name is None:
                continue
            del entries[name]
            changed = live.withdraw([name])
        scratch = distances(CANDIDATES, np.zeros(len(CANDIDATES)), table(entries))
        np.testing.assert_allclose(live.hull_energy, scratch.hull_energy, atol=1e-12)
        same = np.setdiff1d(np.arange(len(CANDIDATES)), changed)
        assert (live.hull_energy[same] == before[same]).all()
    for row in range(len(CANDIDATES)):
        assert sum(live.decomposition(row).values()) == pytest.approx(1.0)
        assert set(live.decomposition(row)) <= set(entries)
    assert live.gap.max() < 1e-12


def test_solves_only_what_is_touched(references):
    known = references({"Li": 0.0, "Ti": 0.0, "O": 0.0, "TiO2": -3.0})
    live = LiveHull(CANDIDATES, known)
    assert live.add(["high"], ["Ti3O5"], [-2.0]).tolist() == []
    assert live.add(["x"], ["Li2O"], [-2.0]).tolist() == [0, 1, 3, 4, 6]
    assert live.hull_energy[4] == -2.0
    assert live.withdraw(["high"]).tolist() == []
    assert live.withdraw(["x"]).tolist() == [0, 1, 3, 4, 6]
    np.testing.assert_allclose(live.hull_energy, distances(CANDIDATES, np.zeros(9), known).hull_energy, atol=1e-14)


def test_several_at_once_equal_one_by_one(ground_states, references):
    elements = ["Li", "Fe", "P", "O"]
    rows = ground_states.within(elements)
    known = references(dict.fromkeys(elements, 0.0))
    formulas, energies = ground_states.formulas[rows], ground_states.formation[rows]
    ids = [f"mp-{row}" for row in rows]
    together, single = LiveHull(formulas, known), LiveHull(formulas, known)
    together.add(ids, formulas.tolist(), energies)
    for name, formula, energy in zip(ids, formulas.tolist(), energies.tolist(), strict=True):
        single.add([name], [formula], [energy])
    np.testing.assert_allclose(together.hull_energy, single.hull_energy, atol=1e-12)
    everything = References.from_rows(
        ids=[*ids, *elements], formulas=[*formulas, *elements], energies=np.append(energies, np.zeros(4))
    )
    np.testing.assert_allclose(together.hull_energy, distances(formulas, energies, everything).hull_energy, atol=1e-12)


def test_keeps_books(references):
    live = LiveHull(["TiO"], references({"Ti": 0.0, "O": 0.0}))
    live.add(["a"], ["TiO"], [-1.0])
    with pytest.raises(TableError, match="known already: a"):
        live.add(["a"], ["TiO"], [-2.0])
    with pytest.raises(TableError, match="finite"):
        live.add(["b"], ["TiO"], [np.nan])
    with pytest.raises(InputError, match="books: c"):
        live.withdraw(["c"])
    with pytest.raises(InputError, match="last phases of these elements can't be withdrawn: Ti"):
        live.withdraw(["Ti"])
    assert live.hull_energy.tolist() == [-1.0]
    live.add(["bcc"], ["Ti"], [0.1])
    assert live.withdraw(["Ti"]).tolist() == []
    live.withdraw(["a"])
    assert live.hull_energy.tolist() == [0.05]


@pytest.mark.parametrize(
    ("ids", "formulas", "energies", "error"),
    [
        (["a", "b"], ["TiO"], [-1.0, -1.0], TableError),
        (["a", "b"], ["TiO", "Tx"], [-1.0, -1.0], FormulaError),
        (["a", "a"], ["TiO", "TiO"], [-1.0, -1.0], TableError),
    ],
)
def test_what_is_refused_leaves_no_trace(references, ids, formulas, energies, error):
    live = LiveHull(["TiO"], references({"Ti": 0.0, "O": 0.0}))
    with pytest.raises(error):
        live.add(ids, formulas, energies)
    assert live.add(["a"], ["TiO"], [-0.5]).tolist() == [0]
    assert live.hull_energy.tolist() == [-0.5]


def test_an_entry_that_is_named_twice_leaves_once(references):
    live = LiveHull(["TiO"], references({"Ti": 0.0, "O": 0.0, "TiO": -1.0}))
    assert live.withdraw(["TiO", "TiO"]).tolist() == [0]
    assert live.hull_energy.tolist() == [0.0]


def test_missing_end_members_are_refused(references):
    with pytest.raises(MissingEndMembersError, match="N"):
        LiveHull(["TiN"], references({"Ti": 0.0}))
