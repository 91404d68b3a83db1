"""Recipes for the new phases of a campaign: asked for when it ends, or afterwards, with the same answer."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull import names
from tests.cli.conftest import desk, run
from tests.science.recipes.conftest import published

__all__ = ["desk", "published"]

ASKED = {"top": 3}


@pytest.fixture(scope="module")
def ended(registered, _desk):
    """The small campaign on a record, which asks for recipes at its end."""
    from aiida_mlhull import launch

    return launch(_desk.campaign(recipes=ASKED), foreground=True)


def _steps(campaign):
    from aiida import orm

    query = orm.QueryBuilder().append(orm.WorkChainNode, filters={"uuid": campaign.node.uuid}, tag="campaign")
    query.append(
        orm.CalcFunctionNode, with_incoming="campaign", filters=names.any_of(names.RECOMMEND_REACTIONS), project="*"
    )
    return query.all(flat=True)


def test_a_campaign_ends_with_recipes(ended):
    answers = ended.node.outputs.reactions
    assert len(answers) == len(_steps(ended)) > 0
    for formula, node in answers.items():
        table = node.to_science()
        assert 0 < len(table) <= ASKED["top"]
        assert set(table.formulas.tolist()) == {str(node.creator.inputs.target.value)}
        assert formula.isalnum()
        snapshot = node.creator.inputs.references
        assert snapshot.creator.process_label == "extend_references"
        assert snapshot.creator.inputs.references.uuid == ended.node.inputs.references.uuid
        assert node.creator.inputs.settings.uuid == ended.node.inputs.recipes.uuid
    assert any(
        np.isfinite(node.to_science().gamma_std).any() for node in answers.values()
    )  # models have said something


def test_what_was_relaxed_is_certain(ended):
    """Error bars come from what only models have seen."""
    from aiida_mlhull.data import PredictionsData

    for step in _steps(ended):
        known = set(step.inputs.references.to_science().ids.tolist())
        links = step.base.links.get_incoming(node_class=PredictionsData).all()
        said = {name for link in links for name in link.node.to_science().ids.tolist()}
        assert said & known
        assert said - known


def test_asked_afterwards_it_answers_the_same(ended):
    from aiida import orm

    result = run("recipes", ended.pk, "--top", "3")
    assert result.exit_code == 0, result.output
    pks = [int(part.split()[0]) for part in result.output.split("stored: mlhull.reactions ")[1:]]
    again = {node.to_science().formulas[0]: node.to_science() for node in map(orm.load_node, pks)}
    first = {node.to_science().formulas[0]: node.to_science() for node in ended.node.outputs.reactions.values()}
    assert again.keys() == first.keys()
    for formula, table in first.items():
        assert again[formula].equations.tolist() == table.equations.tolist()
        np.testing.assert_array_equal(again[formula].gamma_std, table.gamma_std)


@pytest.mark.usefixtures("registered")
def test_what_could_not_be_asked_is_refused_before_anything_is_stored(desk):
    from aiida_mlhull.launching.launch import prepare
    from aiida_mlhull.science.errors import MlhullError

    with pytest.raises(MlhullError, match="ranking popularity needs published recipes"):
        prepare(desk.campaign(recipes={"ranking": "popularity"}))
    with pytest.raises(MlhullError, match="hold no pure U"):
        prepare(desk.campaign(recipes={"extra_elements": ["U"]}))
    with pytest.raises(MlhullError, match=r"recipes.*unknown key"):
        prepare(desk.campaign(recipes={"color": "red"}))


@pytest.mark.usefixtures("registered")
def test_literature_comes_in(desk, published):
    from aiida_mlhull.data import RecipesData
    from aiida_mlhull.launching.launch import prepare

    stored = RecipesData.from_science(published).store()
    prepared = prepare(desk.campaign(recipes={"ranking": "popularity", "literature": {"node": stored.pk}}))
    assert prepared.builder.literature.uuid == stored.uuid
    assert prepared.builder.recipes["ranking"] == "popularity"
