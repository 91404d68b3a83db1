"""Rounds write what is new: what is stored grows with the results, however many rounds they come in."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from aiida import orm

from aiida_mlhull import names
from aiida_mlhull.data import DecisionsData, LabelsData
from tests.campaign_inputs import campaign_inputs

pytestmark = pytest.mark.slow

START = 20
CHOSEN = 20
"""Candidates that the rounds of either campaign relax together."""


@pytest.fixture(scope="module")
def in_four_rounds(code, binary, settings):
    """The same number of relaxations as in the campaign of two rounds, in batches of half the size."""
    from aiida.engine import run_get_node

    from aiida_mlhull.workflows.screen import Screen

    gate = {"rule": "top_n", "rule_settings": {"n": 1000}, "rounds": 4, "batch": CHOSEN // 4}
    (stage,) = settings["stages"]
    changed = settings | {"stages": [stage | {"gate": gate}]}
    node = run_get_node(Screen, **campaign_inputs(orm.load_code(code), binary, changed))[1]
    assert node.is_finished_ok, node.exit_message
    return node


def rows_by_step(campaign, kind) -> Counter[str]:
    """Rows of all tables of a kind that the campaign has stored, by the process that made them."""
    rows: Counter[str] = Counter()
    for process in campaign.called_descendants:
        if isinstance(process, orm.CalculationNode):
            outputs = process.base.links.get_outgoing(node_class=kind).all_nodes()
            rows[process.process_label] += sum(node.n_rows for node in outputs)
    return +rows


def rounds_of(campaign) -> int:
    return sum(names.ROUND.matches(one.process_type) for one in campaign.called)


def test_every_result_is_stored_when_it_comes_and_once_more_at_the_end(in_four_rounds) -> None:
    relaxed = in_four_rounds.outputs.summary["stages"]["final"]["rows"]
    assert rounds_of(in_four_rounds) == 4
    assert relaxed == START + CHOSEN
    assert rows_by_step(in_four_rounds, LabelsData) == {"look_up": relaxed, "extend_labels": relaxed}


def test_more_rounds_store_no_more_rows_of_results(campaign, in_four_rounds) -> None:
    few, many = (rows_by_step(one, LabelsData) for one in (campaign, in_four_rounds))
    assert rounds_of(campaign) < rounds_of(in_four_rounds)
    per_result = [
        rows.total() / one.outputs.summary["stages"]["final"]["rows"]
        for rows, one in ((few, campaign), (many, in_four_rounds))
    ]
    assert per_result == [2, 2]


def test_decisions_are_stored_for_what_was_asked_and_not_copied(in_four_rounds, binary) -> None:
    """What a round has not chosen waits for the next one: it is not written down again."""
    n = len(binary.candidates)
    waiting = [n - START - round_ * CHOSEN // 4 for round_ in range(4)]
    assert rows_by_step(in_four_rounds, DecisionsData) == {
        "enter_first_stage": n,
        "choose_start": n,
        "still_waiting": n - START,
        "decide_round": sum(waiting),
        "conclude": n,
    }


def test_a_round_asks_about_what_the_one_before_left_over(in_four_rounds) -> None:
    asked = []
    for process in sorted(in_four_rounds.called, key=lambda one: one.ctime):
        if names.ROUND.matches(process.process_type):
            decided = [node.to_science() for node in process.outputs.decisions.values()]
            asked.append(
                (
                    {name for table in decided for name in table.ids.tolist()},
                    {name for table in decided for name in table.ids[table.keep].tolist()},
                )
            )
    for (before, chosen), (after, _) in pairwise(asked):
        assert after == before - chosen
