"""Between stages: crystals that have become the same go on as one."""

from __future__ import annotations

from aiida_mlhull.science.campaign.settings import CampaignSettings, StageSettings
from aiida_mlhull.science.types import Decisions, Labels


def merge_same(labels: Labels, settings: CampaignSettings, *, stage: StageSettings) -> Decisions:
    """Find crystals that a stage brought to the same minimum.

    Args:
        labels: results of the stage, all shards.
        settings: of the campaign; the seed draws the sample that is relaxed all the same.
        stage: the stage that has just ended.

    Returns:
        One row a result that has an energy: kept ones are the lowest of their kind (or belong to the
        audited sample), the others carry the reason ``same_as ID``.
    """
    from aiida_mlhull.science.cleaning.merge import merge  # noqa: PLC0415  (pymatgen's matcher is slow to import)

    tolerances = stage.merge
    if tolerances is None:
        raise ValueError(f"stage {stage.name} does not merge")
    return merge(
        labels.take(labels.succeeded),
        energy_tolerance=tolerances.energy_tolerance,
        audit_fraction=tolerances.audit_fraction,
        seed=settings.seed,
    )
