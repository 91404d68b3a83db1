"""Facts and headlines of tables, counted by hand, and the hash that doesn't depend on the file format."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiida_mlhull.science.tables.headline import headline
from aiida_mlhull.science.tables.summary import MAX_CODES, content_hash, count_codes, summarize
from aiida_mlhull.science.types import Crystals
from aiida_mlhull.science.types.reasons import code_of
from aiida_mlhull.science.wire import decode_table, encode_table
from tests.data.nouns import TABLES, candidates, decisions, labels, predictions, references


def test_what_all_tables_say() -> None:
    facts = summarize(candidates())
    assert (facts["n_rows"], facts["id_min"], facts["id_max"]) == (6, "c0", "c5")
    assert facts["elements"] == ["N", "Na", "Ti", "Zn"]
    assert facts["n_compositions"] == 5
    assert facts["chemical_systems"] == ["N-Na", "N-Ti", "N-Zn", "Ti", "Ti-Zn"]


def test_ranges_and_counts() -> None:
    assert summarize(candidates())["n_protostructures"] == 1
    assert (summarize(candidates())["n_sites_min"], summarize(candidates())["n_sites_max"]) == (1, 2)
    assert (summarize(predictions())["energy_min"], summarize(predictions())["energy_max"]) == (-2.0, 0.6)
    assert summarize(predictions())["sigma_max"] == pytest.approx(np.hypot(0.1, 0.3), abs=1e-9)
    assert summarize(labels())["failure_reasons"] == {"not_converged_ionically": 1}
    assert summarize(labels())["core_minutes"] == 3.0
    facts = summarize(decisions())
    assert (facts["n_kept"], facts["n_dropped"]) == (2, 4)
    assert facts["kept_reasons"] == {"within_threshold": 2}
    assert facts["dropped_reasons"] == {"above_threshold": 2, "failed": 1, "same_as": 1}
    assert summarize(references())["end_members"] == ["N", "Na", "Ti", "Zn"]


@pytest.mark.parametrize("kind", sorted(TABLES))
def test_facts_are_plain_json_also_of_nothing(kind: str) -> None:
    for table in (TABLES[kind](), TABLES[kind]().take([])):
        facts = summarize(table)
        assert json.loads(json.dumps(facts, allow_nan=False)) == facts
        assert headline(type(table), facts)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("candidates", "6 candidates in 5 chemical systems; 1 to 2 atoms a cell; from file.csv"),
        (
            "predictions",
            "6 predictions by 2 members of cgcnn; 5 chemical systems; -2.000 to 0.600 eV/atom; sigma 0.100 to 0.316 eV/atom",
        ),
        (
            "decisions",
            "2 of 6 kept by two_sigma; stage volume, round 2; dropped: above_threshold 2, failed 1, same_as 1",
        ),
        (
            "labels",
            "5 of 6 relaxed by potential; stage volume; CHGNet 0.3.0, MP2020-corrected; 3 core-minutes (measured); failed: not_converged_ionically 1",
        ),
    ],
)
def test_headlines(kind: str, expected: str) -> None:
    assert headline(type(TABLES[kind]()), summarize(TABLES[kind]())) == expected


@pytest.mark.parametrize(
    ("reason", "code"),
    [("above_threshold", "above_threshold"), ("same_as 3f2a-11", "same_as"), ("failed: a: b", "failed")],
)
def test_reason_codes(reason: str, code: str) -> None:
    assert code_of(reason) == code


@given(st.lists(st.integers(0, 60), max_size=200))
def test_counted_codes_add_up_and_stay_few(numbers: list[int]) -> None:
    counts = count_codes(np.asarray([f"code_{n} of many" for n in numbers], dtype=np.str_))
    assert sum(counts.values()) == len(numbers)
    assert len(counts) <= MAX_CODES + 1


# ------------------------------------------------------------------- content hash


@pytest.mark.parametrize("kind", sorted(TABLES))
def test_the_hash_survives_the_file_format(kind: str) -> None:
    table = TABLES[kind]()
    assert content_hash(decode_table(type(table), encode_table(table))) == content_hash(table)


def test_the_hash_is_about_numbers_not_about_their_width() -> None:
    table, cells = labels(), labels().crystals
    narrow = Crystals(cells.lattices, cells.offsets.astype(np.int32), cells.numbers, cells.frac_coords)
    wide = Crystals(cells.lattices, cells.offsets, cells.numbers.astype(np.int64), cells.frac_coords)
    long_texts = table.failures.astype("<U90")
    for same in (replace(table, crystals=narrow), replace(table, crystals=wide), replace(table, failures=long_texts)):
        assert content_hash(same) == content_hash(table)


def test_the_hash_notices_every_change() -> None:
    table, cells = labels(), labels().crystals
    moved = Crystals(cells.lattices, cells.offsets, cells.numbers, cells.frac_coords + 1e-12)
    energies = table.energies.copy()
    energies[0] = np.nextafter(energies[0], 0)
    changed = [
        replace(table, crystals=moved),
        replace(table, energies=energies),
        replace(table, scheme="PBEsol"),
        replace(table, core_minutes=table.core_minutes[::-1] * 2),
        table.take([0, 1]),
    ]
    assert len({content_hash(other) for other in [table, *changed]}) == 1 + len(changed)
