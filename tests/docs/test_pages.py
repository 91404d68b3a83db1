"""What is compared with a page is really compared: the measure that the tests of pages go by."""

from __future__ import annotations

import pytest

from tests.docs.pages import Block, difference, pks

SAID = "read 3 rows\n\nid   formula  value\n---  -------  -----\na    TiN      0.250\nb    Ti2N     0.500\n"


@pytest.mark.parametrize(
    "printed",
    [
        SAID,
        "...\n" + "\n".join(SAID.splitlines()[2:]),
        "read 3 rows\n...\nb    Ti2N     0.500",
        "read 3 rows\n...",
        SAID.replace("3 rows", "... rows"),
    ],
)
def test_the_same_and_what_is_left_out(printed):
    assert difference(SAID, printed) is None


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        (SAID.replace("0.250", "0.251"), "0.251"),
        (SAID.replace("TiN ", "TiC "), "TiC"),
        (SAID.replace("b    Ti2N     0.500\n", ""), "not printed: 'b"),
        (SAID + "c    Ti3N     0.750\n", "not said: 'c"),
        ("...\nc    Ti3N     0.750\n...", "not said: 'c"),
        (SAID.replace("3 rows", "4 ... rows"), "4 ... rows"),
    ],
)
def test_what_differs_is_named(printed, told):
    assert told in str(difference(SAID, printed))


def test_without_figures_words_still_count():
    other = "read 14 rows\n\nid  formula  value\n--  -------  ------\na   TiN      12.25\nb   Ti2N     -3e-05\n"
    assert difference(SAID, other) is not None
    assert difference(SAID, other, figures=False) is None
    assert difference(SAID, other.replace("rows", "phases"), figures=False) is not None
    assert difference(SAID, other.replace("TiN", "TiC"), figures=False) is not None
    assert difference("wall time 3 min", "wall time                 70 s", figures=False) is None


def test_pks_of_another_profile_are_those_of_the_page():
    assert difference("Ensemble 1240: 4 members", "Ensemble 83: 4 members") is None
    assert difference("Ensemble 1240: 4 members", "Ensemble 83: 5 members") is not None
    assert pks("Ensemble 1240: 4 members", "Ensemble 83: 4 members") == {"83": "1240"}


def test_of_rows_that_may_differ_heads_are_compared():
    body = "$ aiida-mlhull rejected \\\n    --round 2\nround 2\n\nid  value\n--  -----\na     0.1\n"
    block = Block(page="p.md", kind="console", body=body, mark="rows may differ", why="seeds")
    assert list(block.commands()) == [("aiida-mlhull rejected      --round 2", "round 2\n\nid  value\n...")]
    assert block.prints
