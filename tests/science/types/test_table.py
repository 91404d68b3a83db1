"""Rows that are sorted together, chosen, looked up and joined."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.types import Crystals, Labels, References, concatenate, first_of_each
from tests.science.real_crystals import mp_crystals

KNOWN = {"b": ("TiN", -9.7), "a": ("Ti", -7.8), "ä": ("NaN", -3.0), "B": ("N", -8.3)}


def built(container=list, names=tuple(KNOWN)):
    return References.from_rows(
        ids=container(names),
        formulas=container([KNOWN[name][0] for name in names]),
        energies=container([KNOWN[name][1] for name in names]),
        scheme="PBE",
    )


def content(table):
    return {
        name: (formula, energy)
        for name, formula, energy in zip(table.ids.tolist(), table.formulas, table.energies, strict=True)
    }


@pytest.mark.parametrize("container", [list, tuple, np.asarray])
def test_columns_in_any_container_are_sorted_together(container):
    table = built(container)
    assert table.ids.tolist() == ["B", "a", "b", "ä"]
    assert content(table) == KNOWN


@given(st.permutations(list(KNOWN)), st.lists(st.sampled_from(list(KNOWN)), unique=True))
def test_rows_are_found_whatever_the_order(names, wanted):
    table = built(names=tuple(names))
    assert content(table) == KNOWN
    assert table.ids[table.positions(wanted)].tolist() == wanted
    assert content(table.select(wanted)) == {name: KNOWN[name] for name in wanted}
    assert content(table.without(wanted)) == {name: KNOWN[name] for name in KNOWN if name not in wanted}
    assert table.has([*wanted, "c"]).tolist() == [True] * len(wanted) + [False]
    both = [part for part in (table.without(wanted), table.select(wanted)) if len(part)]
    assert content(concatenate(both)) == KNOWN
    assert concatenate(both).scheme == "PBE"


def test_what_is_no_table_is_refused():
    with pytest.raises(TableError, match="duplicate ids: a"):
        References.from_rows(ids=["a", "a"], formulas=["Ti", "Ti"], energies=[-1.0, -2.0])
    with pytest.raises(TableError, match="sorted by id"):
        References(ids=np.asarray(["b", "a"]), formulas=np.asarray(["Ti", "N"]), energies=np.zeros(2))
    with pytest.raises(TableError, match=r"another length than ids \(2\): energies"):
        References(ids=np.asarray(["a", "b"]), formulas=np.asarray(["Ti", "N"]), energies=np.zeros(3))
    with pytest.raises(TableError, match="NaN or infinite reference energies: b"):
        References.from_rows(ids=["a", "b"], formulas=["Ti", "N"], energies=[0.0, np.nan])
    with pytest.raises(TableError, match="unknown ids: c, d"):
        built().positions(["a", "c", "d"])
    with pytest.raises(TableError, match="nothing to concatenate"):
        concatenate([])
    with pytest.raises(TableError, match="different kinds"):
        concatenate([built(), labels([0])])


def labels(rows, failures=("", "x_no_result")):
    crystals = mp_crystals().take(rows)
    return Labels.from_rows(
        ids=[f"c{row}" for row in rows],
        formulas=crystals.reduced_formulas(),
        energies=[np.nan if failures[row] else float(row) for row in rows],
        crystals=crystals,
        failures=[failures[row] for row in rows],
        core_minutes=[1.0] * len(rows),
        stage="final",
        engine="recorded",
        scheme="PBE",
    )


def test_cells_travel_with_their_rows():
    table = labels([1, 0])
    assert table.ids.tolist() == ["c0", "c1"]
    assert table.formulas.tolist() == mp_crystals().take([0, 1]).reduced_formulas()
    assert table.crystals.reduced_formulas() == table.formulas.tolist()
    assert table.succeeded.tolist() == [True, False]


@pytest.mark.parametrize(("energies", "failures"), [([0.0, np.nan], ["", ""]), ([0.0, 1.0], ["", "no_result"])])
def test_a_row_has_an_energy_or_a_reason(energies, failures):
    columns = {name: getattr(labels([0, 1]), name) for name in (field.name for field in fields(Labels))}
    with pytest.raises(TableError, match="finite energy or a reason of failure: c1"):
        Labels.from_rows(**{**columns, "energies": energies, "failures": failures})


def test_tables_say_in_a_line_what_they_are():
    known = References.from_rows(ids=["<b>", "a"], formulas=["N", "Ti"], energies=[0.0, 1.5], scheme="PBE")
    assert repr(known) == "References(2 rows, scheme='PBE')"
    shown = known._repr_html_()
    assert "<td>1.5</td>" in shown
    assert "<td><b></td>" not in shown
    cells = Crystals.from_lists([np.eye(3)], [[22, 7]], [np.zeros((2, 3))])
    assert repr(cells) == "Crystals(1 cells, 2 sites)"


def test_of_an_id_in_several_tables_the_first_row_counts():
    one, two, three = built(names=("b", "a")), built(names=("a", "B")), built(names=("b", "B", "ä"))
    raised = [replace(part, energies=part.energies + 10 * place) for place, part in enumerate((one, two, three))]
    found = first_of_each(raised)
    assert content(found) == {"a": ("Ti", -7.8), "b": ("TiN", -9.7), "B": ("N", -8.3 + 10), "ä": ("NaN", -3.0 + 20)}
    with pytest.raises(TableError, match="nothing to concatenate"):
        first_of_each([])
