"""Recipes for the new phases of a campaign, with what its models have said as error bars."""

from __future__ import annotations

import pytest

from tests.cli.conftest import run


@pytest.mark.slow
def test_new_phases_of_a_campaign_get_recipes(finished):
    from aiida import orm

    result = run("recipes", finished.pk, "--top", "3")
    assert result.exit_code == 0, result.output
    pks = [int(part.split()[0]) for part in result.output.split("stored: mlhull.reactions ")[1:]]
    assert pks
    for pk in pks:
        step = orm.load_node(pk).creator
        snapshot = step.inputs.references.creator
        assert snapshot.process_label == "extend_references"
        assert snapshot.inputs.references.uuid == orm.load_node(finished.pk).inputs.references.uuid
