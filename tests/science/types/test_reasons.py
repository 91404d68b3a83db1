"""Every reason is listed once, with its meaning; nouns refuse others; no other module spells one."""

import ast
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

import aiida_mlhull
from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.types import Decisions
from aiida_mlhull.science.types.reasons import (
    Reason,
    Stated,
    check_reasons,
    code_of,
    detail_of,
    is_stated,
    naming,
    with_detail,
)

PACKAGE = Path(aiida_mlhull.__file__).parent
DOCS = PACKAGE.parent / "docs"

# What tables of version 0.1.0 hold: they stay readable.
FIRST_RELEASE = [
    "open",
    "start_set",
    "not_in_start_set",
    "batch_full",
    "within_threshold",
    "above_threshold",
    "likely_enough",
    "too_unlikely",
    "rank_within_n",
    "rank_above_n",
    "within_budget",
    "over_budget",
    "truly_within",
    "truly_above",
    "same_as",
    "audit_of",
    "representative",
    "unique",
    "on_hull",
    "above_hull",
    "failed",
    "not_asked",
    "not_converged_electronically",
    "not_converged_ionically",
    "out_of_time",
    "out_of_memory",
    "unphysical_cell",
    "hopeless_energy",
    "missing_potential",
    "engine_error",
    "no_representation",
    "too_many_positions",
    "too_many_sites",
    "too_sparse",
    "atoms_too_close",
    "known_crystal",
    "same_label_as",
    "same_crystal_as",
    "clean",
    "charges_balance",
    "charges_do_not_balance",
    "no_energy",
    "not_finite",
    "no_volume",
    "overlapping_atoms",
    "unknown_element",
    "disordered",
    "not_periodic",
    "implicit_atoms",
    "no_cell",
    "broken_lists",
    "composition_differs",
    "formula_differs",
    "unreadable_formula",
    "marked_unclean",
    "refused_by_mp2020",
    "missing_end_members",
    "repeated",
    "unchanged",
    "two_classes_one_element",
    "drawn_before",
    "known_composition",
    "same_crystal",
    "no_oxidation_states",
    "mixed_valence",
    "ion_not_in_table",
    "not_neutral",
    "without_cell",
    "without_baseline",
]


def test_the_codes_of_the_first_release_are_still_there():
    assert set(FIRST_RELEASE) <= {reason.value for reason in Reason}


@pytest.mark.parametrize("reason", list(Reason))
def test_a_member_is_its_code_and_has_one_line_of_meaning(reason):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", reason.value)
    assert not reason.value.startswith("x_")
    assert reason.name == reason.value.upper()
    assert f"{reason}" == str(reason) == reason == reason.value
    assert np.full(2, reason).tolist() == [reason.value] * 2
    assert reason.meaning == reason.meaning.strip().rstrip(".")
    assert "\n" not in reason.meaning


@pytest.mark.parametrize(
    ("text", "code", "detail"),
    [
        ("within_threshold", "within_threshold", ""),
        ("same_as 3f2a", "same_as", "3f2a"),
        ("same_as a b", "same_as", "a b"),
        ("failed: out_of_time", "failed", "out_of_time"),
        ("failed: engine_error: killed: 9", "failed", "engine_error: killed: 9"),
        ("", "", ""),
        ("  ", "", ""),
    ],
)
def test_code_and_detail(text, code, detail):
    assert (code_of(text), detail_of(text)) == (code, detail)


def test_what_is_joined_comes_apart_again():
    joined = with_detail(Reason.FAILED, with_detail(Reason.UNPHYSICAL_CELL, "atoms\n  0.1 Å apart"))
    assert joined == "failed: unphysical_cell: atoms 0.1 Å apart"
    assert code_of(detail_of(joined)) == Reason.UNPHYSICAL_CELL
    assert with_detail(Reason.OUT_OF_TIME, "") == "out_of_time"
    assert detail_of(naming(Reason.SAME_AS, "3f2a")) == "3f2a"


@pytest.mark.parametrize(
    ("text", "by", "stated"),
    [
        ("above_threshold", (), True),
        ("above_threshold", (Stated.RULE, Stated.OUTCOME), True),
        ("above_threshold", (Stated.RELAXATION,), False),
        ("above_treshold", (), False),
        ("x_too_toxic", (Stated.RULE,), True),
        ("x_too_toxic: 7", (Stated.RULE,), True),
        ("X_toxic", (), False),
        ("x_", (), False),
        ("failed: out_of_time", (Stated.OUTCOME,), True),
        ("failed: x_lost", (Stated.OUTCOME,), True),
        ("failed: above_hull", (Stated.OUTCOME,), False),
        ("failed", (Stated.OUTCOME,), False),
        ("", (), False),
    ],
)
def test_what_is_in_the_list(text, by, stated):
    assert is_stated(text, *by) is stated


def test_the_message_names_the_codes_and_says_what_to_do():
    with pytest.raises(TableError, match=r"decisions.*not listed: best, worst;.*x_"):
        check_reasons(["on_hull", "worst", "best", "best", ""], Stated.OUTCOME, what="decisions")


@pytest.mark.parametrize("reason", ["no_such_code", "out_of_time", "no_energy", "failed: no_such_code"])
def test_decisions_refuse_reasons_that_nobody_who_decides_states(reason):
    with pytest.raises(TableError, match="not listed"):
        _decision(reason)


@pytest.mark.parametrize("reason", ["x_mine", "same_as 3f2a", "failed: engine_error: killed", "clean"])
def test_decisions_take_those_that_are_listed(reason):
    assert _decision(reason).reasons.tolist() == [reason]


def _decision(reason):
    zero = np.zeros(1)
    return Decisions.from_rows(
        ids=["a"], formulas=["TiN"], keep=[True], reasons=[reason], values=zero, thresholds=zero, margins=zero,
        scores=zero, rule="mine",
    )  # fmt: skip


def test_the_page_is_written_from_the_list():
    spec = importlib.util.spec_from_file_location("generate_reasons", DOCS / "generate_reasons.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = module.PAGE.read_text(encoding="utf-8")
    assert text == module.page(), "run python docs/generate_reasons.py"
    assert all(text.count(f"| `{reason.value}` |") == 1 for reason in Reason)


# Words that mean something else, too: counts of a campaign, functions, fields of the page about one; errors' own codes; OPTIMADE's.
ELSEWHERE = {
    "on_hull": {
        "graph/written/summary.py",
        "launching/replayed.py",
        "science/campaign/__init__.py",
        "science/campaign/outcomes.py",
        "science/campaign/phase_table.py",
        "science/metrics/counting.py",
        "science/report/",
    },
    "above_hull": {"science/report/"},
    "start_set": {"science/report/"},
    "not_asked": {"science/report/"},
    "missing_end_members": {"science/errors.py", "science/hull/__init__.py"},
    "out_of_memory": {"science/errors.py", "standin/faults.py"},
    "missing_potential": {"science/errors.py"},
    "implicit_atoms": {"science/sources/optimade_entries.py"},
    "not_sent": {"science/sources/materials_project.py"},
}


def test_no_other_module_spells_a_reason():
    spelled = []
    codes = {reason.value for reason in Reason if "_" in reason.value}
    beginnings = tuple(f"{reason.value}{mark}" for reason in Reason for mark in (" ", ": "))
    for path in sorted(PACKAGE.rglob("*.py")):
        if path == PACKAGE / "science/types/reasons.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                where = path.relative_to(PACKAGE).as_posix()
                literal = node.value in codes and not where.startswith(tuple(ELSEWHERE.get(node.value, ())))
                if literal or node.value in beginnings:
                    spelled.append(f"{where}:{node.lineno}: {node.value!r}")
    assert not spelled, "\n".join(spelled)
