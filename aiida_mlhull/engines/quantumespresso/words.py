"""What stands in a campaign file about Quantum ESPRESSO, as nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiida import orm
from pydantic import Field

from aiida_mlhull.engines.lanes import options_node, usable_code
from aiida_mlhull.science.errors import InputError, MissingExtraError, SettingsError, listed
from aiida_mlhull.science.espresso.pseudos import PseudoFamily, read_pseudo
from aiida_mlhull.science.types.strict import Strict, validated

if TYPE_CHECKING:
    from aiida_pseudo.groups.family import PseudoPotentialFamily


class EspressoWords(Strict):
    """``engines: {quantumespresso: ...}`` of a campaign file.

    Attributes:
        code: AiiDA's name of pw.x: ``pw@cluster``.
        pseudo_family: aiida-pseudo's name of the pseudopotentials: ``SSSP/1.3/PBE/efficiency``.
        options: the scheduler's; a stage's own come on top.
    """

    code: str
    pseudo_family: str = Field(min_length=1)
    options: dict[str, Any] = Field(default_factory=dict)


def load_espresso_inputs(words: Mapping[str, Any]) -> dict[str, Any]:
    """The engine's input nodes.

    Raises:
        SettingsError: if a word is unknown, there is no such code or family, or the code's computer can't be used.
    """
    wanted = validated(EspressoWords, words, what="engines.quantumespresso")
    making = "'verdi code create core.code.installed' makes one (default plug-in quantumespresso.pw)"
    code = usable_code(wanted.code, what="engines.quantumespresso", advice=f", {making}")
    return {
        "code": code,
        "pseudo_family": orm.Dict(describe_family(load_family(wanted.pseudo_family)).model_dump(mode="json")),
        "options": options_node(wanted.options),
    }


def load_family(label: str) -> PseudoPotentialFamily:
    """The family of that name.

    Raises:
        SettingsError: if there is none; the message lists those that are.
    """
    families = stored_families()
    family = next((one for one in families if one.label == label), None)
    if family is None:
        raise SettingsError(
            f"engines.quantumespresso: no family of pseudopotentials {label!r}; known: "
            f"{listed(sorted(one.label for one in families)) or 'none'}; 'aiida-pseudo install sssp' fetches one, "
            f"'aiida-pseudo install family FOLDER NAME -P pseudo.upf' takes your own"
        )
    return family


def stored_families() -> list[PseudoPotentialFamily]:
    """All families of pseudopotentials in the profile.

    Raises:
        MissingExtraError: if aiida-pseudo, which stores them, is not installed.
    """
    try:
        from aiida_pseudo.groups.family import PseudoPotentialFamily  # noqa: PLC0415  (extra qe)
    except ImportError:
        raise MissingExtraError(
            "the engine quantumespresso needs aiida-quantumespresso: pip install 'aiida-mlhull[qe]'"
        ) from None
    families: list[PseudoPotentialFamily] = orm.QueryBuilder().append(PseudoPotentialFamily).all(flat=True)
    return families


def describe_family(family: PseudoPotentialFamily) -> PseudoFamily:
    """What a family recommends, and what stands in its files.

    Raises:
        SettingsError: if a file can't be read.
    """
    from aiida_pseudo.groups.mixins import RecommendedCutoffMixin  # noqa: PLC0415  (extra qe)

    cutoffs: dict[str, dict[str, tuple[float, float]]] = {}
    default = None
    if isinstance(family, RecommendedCutoffMixin):
        levels = family.get_cutoff_stringencies()
        default = family.get_default_stringency() if levels else None
        for level in levels:
            for element in family.elements:
                pair = family.get_recommended_cutoffs(elements=element, stringency=level, unit="Ry")
                cutoffs.setdefault(element, {})[level] = (float(pair[0]), float(pair[1]))
    pseudos = {}
    for element, node in family.pseudos.items():
        try:
            pseudos[element] = read_pseudo(node.get_content(), md5=node.md5, cutoffs=cutoffs.get(element))
        except InputError as error:
            raise SettingsError(f"family {family.label!r}, pseudopotential {node.filename}: {error}") from None
    return PseudoFamily(label=family.label, stringency=default, pseudos=pseudos)
