"""The reader of text-mined syntheses: what it keeps, and how it names what it can't use."""

from __future__ import annotations

import gzip
import json
import lzma

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.reading import warned
from aiida_mlhull.science.recipes.expressions import evaluate
from aiida_mlhull.science.recipes.literature import read_recipes
from aiida_mlhull.science.recipes.text_mined import from_reactions


def material(formula, elements, **more):
    part = {"formula": formula, "amount": "1.0", "elements": elements}
    return {"material_string": formula, "material_formula": formula, "composition": [part], **more}


def entry(target, **more):
    """One entry as the data set has it."""
    return {
        "doi": "10.1000/xyz",
        "synthesis_type": "solid-state_ceramic_synthesis",
        "reaction": {
            "left_side": [{"material": "BaCO3", "amount": "1-x"}, {"material": "TiO2", "amount": "1"}],
            "right_side": [],
        },
        "target": target,
        "precursors": [
            material("BaCO3", {"Ba": "1", "C": "1", "O": "3"}),
            material("TiO2", {"Ti": "1.0", "O": "2.0"}),
        ],
        "operations": [
            {"type": "MixingOperation", "conditions": {}},
            {
                "type": "HeatingOperation",
                "conditions": {
                    "heating_temperature": [{"values": [900.0, 1200.0], "units": "°C"}],
                    "heating_time": [{"values": [90.0], "units": "min"}],
                    "heating_atmosphere": ["air"],
                },
            },
        ],
        **more,
    }


DOPED = material(
    "Ba1-xSrxTiO3",
    {"Ba": "1-x", "Sr": "x", "Ti": "1", "O": "3"},
    amounts_vars={"x": {"min_value": 0.0, "max_value": 0.1, "values": [0.0, 0.1]}},
)


def test_an_entry_becomes_a_recipe():
    read = from_reactions([entry(DOPED)], source="made up")
    assert read.bad_rows == {}
    row = read.recipes
    assert row.formulas.tolist() == ["Ba19SrTi20O60"] or row.formulas[0].count("Ti20") == 1
    assert row.precursors.tolist() == ["BaCO3 + TiO2"]
    assert row.amounts.tolist() == ["0.95 1"]
    assert row.actions.tolist() == ["MixingOperation HeatingOperation"]
    assert row.temperatures[0] == pytest.approx(1473.15)
    assert row.hours[0] == pytest.approx(1.5)
    assert row.atmospheres.tolist() == ["air"]
    assert row.references.tolist() == ["10.1000/xyz"]
    assert row.kinds.tolist() == ["solid_state"]
    assert row.parents.tolist() == ["BaTiO3"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (entry(material("BaTiO3", {"Ba": "y", "O": "3"})), "the variable y has no value"),
        (entry(material("BaTiO3", {"Ba": "1", "O": "3"}, amounts_vars={"x": {"values": []}})), "x has no value"),
        (entry(material("BaTiO3", {"Ba": "-1", "O": "3"})), "negative amounts of Ba"),
        (entry(material("ATiO3", {"Ti": "1"}, elements_vars={"A": ["Ba", "Sr"]})), "names elements by a variable"),
        (entry(material("BaTiO3", {"Ba": "__import__('os').getcwd()"})), "only numbers, variables"),
        (entry(material("XxO", {"Xx": "1", "O": "1"})), "unknown elements"),
        ({**entry(DOPED), "precursors": []}, "0 precursors"),
        ({"doi": "10.1000/abc"}, "target"),
        ("a word", "indices"),
    ],
)
def test_every_bad_row_is_named(row, reason):
    read = from_reactions([entry(DOPED), row], source="made up")
    assert read.recipes.ids.tolist() == ["000000"]
    assert list(read.bad_rows) == ["000001"]
    assert reason in read.bad_rows["000001"]


def test_a_negative_middle_gives_way_to_the_listed_value():
    target = material(
        "Ba0.5-xTiO3",
        {"Ba": "0.5-x", "Ti": "1", "O": "3"},
        amounts_vars={"x": {"min_value": 0.0, "max_value": 2.0, "values": [0.0, 0.25, 2.0]}},
    )
    read = from_reactions([entry(target)], source="made up")
    assert read.recipes.formulas.tolist() == ["BaTi4O12"]


@pytest.mark.parametrize("suffix", [".json", ".json.gz", ".json.xz"])
def test_files_are_read_packed_or_not(tmp_path, suffix):
    content = json.dumps({"release_date": "2019", "reactions": [entry(DOPED), {}]}).encode()
    packed = {".json": bytes, ".json.gz": gzip.compress, ".json.xz": lzma.compress}[suffix](content)
    (tmp_path / f"reactions{suffix}").write_bytes(packed)
    read = read_recipes(tmp_path / f"reactions{suffix}")
    assert len(read.recipes) == 1
    assert list(read.bad_rows) == ["000001"]
    (tmp_path / f"broken{suffix}").write_bytes(packed[:-20])
    with pytest.raises(InputError, match="can't be read as JSON"):
        read_recipes(tmp_path / f"broken{suffix}")


def test_a_packed_file_that_fills_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(warned, "LARGEST", 1 << 20)
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(bytes(1 << 24)))
    with pytest.raises(InputError, match=r"bomb\.json\.gz can't be read as JSON: larger than 1 MiB"):
        read_recipes(tmp_path / "bomb.json.gz")


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "other.json").write_text('{"rows": 3}')
    with pytest.raises(InputError, match="neither a list of reactions"):
        read_recipes(tmp_path / "other.json")


@given(st.integers(-50, 50), st.integers(1, 50), st.floats(0.0, 1.0))
def test_expressions_are_those_of_arithmetic(a, b, x):
    assert evaluate(f"({a}-x)/{b}*2+-x", {"x": x}) == pytest.approx((a - x) / b * 2 - x)


@pytest.mark.parametrize("text", ["1/0", "x**9", "1 if x else 2", "[1]", "", "9" * 300, "True", "lambda: 1", "f(x)"])
def test_nothing_else_is_evaluated(text):
    with pytest.raises(InputError):
        evaluate(text, {"x": 1.0})


def test_a_table_of_nothing_is_a_table():
    read = from_reactions([{}], source="made up")
    assert len(read.recipes) == 0
    assert read.recipes.temperatures.dtype == np.float64
