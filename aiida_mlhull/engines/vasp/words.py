"""A campaign file's settings of VASP, as nodes; and whether the potentials are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiida import orm
from aiida_vasp.data.potcar import PotcarData, PotcarGroup
from pydantic import Field

from aiida_mlhull.engines.lanes import elements_in, options_node, usable_code
from aiida_mlhull.science.errors import SettingsError, listed
from aiida_mlhull.science.types import Candidates
from aiida_mlhull.science.types.strict import Strict, validated
from aiida_mlhull.science.vasp.inputs import potential_names
from aiida_mlhull.science.vasp.settings import VaspStep


class VaspWords(Strict):
    """``engines: {vasp: ...}`` of a campaign file.

    Attributes:
        code: AiiDA's name of VASP: ``vasp@cluster``.
        potential_family: aiida-vasp's name of the potentials.
        options: the scheduler's; a stage's own come on top.
    """

    code: str
    potential_family: str = Field(min_length=1)
    options: dict[str, Any] = Field(default_factory=dict)


def load_inputs(words: Mapping[str, Any]) -> dict[str, Any]:
    """The engine's input nodes.

    Raises:
        SettingsError: if a word is unknown, there is no such code or family, or the code's computer can't be used.
    """
    said = validated(VaspWords, words, what="engines.vasp")
    code = usable_code(said.code, what="engines.vasp")
    families = orm.QueryBuilder().append(PotcarGroup, project="label").all(flat=True)
    if said.potential_family not in families:
        raise SettingsError(
            f"engines.vasp: no potential family {said.potential_family!r}; known: {listed(sorted(families)) or 'none'}; "
            f"'aiida-vasp potcar uploadfamily' makes one"
        )
    family = orm.Str(said.potential_family)
    return {"code": code, "potential_family": family, "options": options_node(said.options)}


def missing_potentials(family: str, candidates: Sequence[Candidates], steps: Sequence[VaspStep]) -> list[str]:
    """Names of potentials that the family lacks, of all that the candidates' elements need in any step."""
    elements = elements_in(candidates)
    wanted = {name for step in steps for name in potential_names(elements, step).values()}
    # aiida-vasp's own look-up of names filters by an element that is None, which SQLite refuses.
    query = orm.QueryBuilder().append(PotcarGroup, filters={"label": family}, tag="family")
    query.append(PotcarData, with_group="family", project="attributes.full_name")
    return sorted(wanted - set(query.all(flat=True)))
