"""What every keep-rule would have done in one round of a campaign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiida_mlhull.graph.decisions import nothing_decided
from aiida_mlhull.graph.models import deciding_step, record_of, said_before
from aiida_mlhull.graph.story import story_pks

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.science.campaign.comparison import Comparison


@dataclass(frozen=True)
class RoundComparison:
    """All rules on the candidates of one round.

    Attributes:
        stage: that the round stood before.
        number: of the round.
        comparison: what every rule keeps and saves, and with a record, what it finds.
    """

    stage: str
    number: int
    comparison: Comparison


def compare_rules(campaign: orm.ProcessNode, *, number: int, stage: str | None = None) -> RoundComparison:
    """All rules on the predictions of a round, compared with the record where the campaign has one.

    Args:
        campaign: that was decided in, or in one that it goes on from.
        number: of the round.
        stage: that the round stood before; the first one with such a round if None.

    Raises:
        InputError: if nothing was decided in that round.
    """
    from aiida_mlhull.calculations.ports import leaves
    from aiida_mlhull.calculations.settings import settings_of
    from aiida_mlhull.science.campaign import CampaignSettings, StageSettings, comparison
    from aiida_mlhull.science.hull import with_results
    from aiida_mlhull.science.triage.committee import side_by_side
    from aiida_mlhull.science.types import concatenate

    steps = (deciding_step(pk, number=number, stage=stage) for pk in story_pks(campaign.pk))
    step = next((one for one in steps if one is not None), None)
    if step is None:
        raise nothing_decided(campaign, number=number, stage=stage)
    inputs = step.inputs
    settings = settings_of(inputs.stage, StageSettings)
    assert settings.gate is not None
    results = concatenate([table.to_science() for table in leaves(inputs.results).values()])
    compared = comparison.compare_rules(
        side_by_side(said_before(step)),
        with_results(inputs.references.to_science(), results),
        record=record_of(campaign),
        gate=settings.gate,
        seed=settings_of(inputs.settings, CampaignSettings).seed + inputs.position["round"],
        core_minutes_each=comparison.cost_each(results, stage=settings),
    )
    return RoundComparison(stage=settings.name, number=number, comparison=compared)
