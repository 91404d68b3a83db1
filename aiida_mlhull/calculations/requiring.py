"""The calcfunction by which a gate holds what was predicted of a property against what it requires.

Apart from those of the loop, because AiiDA's caching looks at a calcfunction's whole source file.
"""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.engine import calcfunction

from aiida_mlhull.calculations.base import Nodes
from aiida_mlhull.calculations.settings import settings_of
from aiida_mlhull.data import DecisionsData, EnsembleData
from aiida_mlhull.science.campaign.settings import StageSettings
from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.triage.requirements import read_requirement
from aiida_mlhull.science.types.properties import Property


@calcfunction
def require_property(stage: orm.Dict, name: orm.Str, ensemble: EnsembleData, **shards: Any) -> Nodes:
    """Drop the candidates that are predicted to be otherwise than a gate requires; outputs are decisions by shard.

    ``shards`` holds ``predictions`` of the property and ``waiting``, decisions whose kept rows are in question, by shard.

    Args:
        stage: StageSettings of the stage with the gate.
        name: of the property.
        ensemble: that has predicted it.
        **shards: the tables, as said above.
    """
    settings = settings_of(stage, StageSettings)
    if settings.gate is None or name.value not in settings.gate.require:
        raise SettingsError(f"no gate of stage {settings.name} requires {name.value}")
    requirement = read_requirement(name.value, settings.gate.require[name.value])
    decisions = {}
    for key, node in shards["waiting"].items():
        waiting, said = node.to_science(), shards["predictions"][key].to_science()
        asked = said.select(waiting.ids[waiting.keep])
        decided = requirement.decide(asked, property_of(name.value, ensemble), stage=settings.name)
        decisions[key] = DecisionsData.from_science(decided)
    return decisions


def property_of(name: str, ensemble: EnsembleData) -> Property:
    """What a stored ensemble predicts, by its attributes.

    Args:
        name: in the campaign.
        ensemble: that predicts it.
    """
    facts = ensemble.base.attributes.all
    classes = tuple(facts.get("classes") or ())
    return Property(name, facts["target"], "" if classes else facts["unit"], classes)
