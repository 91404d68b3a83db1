"""Make what stands in for crystals that are not public: prototypes through three stages of a universal potential."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aiida_mlhull import names
from aiida_mlhull.launching.running import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiida import orm

    from aiida_mlhull.science.studies.settings import StandIn
    from aiida_mlhull.science.types import Labels

PROTOCOL = "ekstrom-2022"
SCHEME = "mp-pbe-2020"
"""Of the potential, and of the energies of the elements."""


def campaign_of(stand_in: StandIn) -> orm.WorkChainNode | None:
    """The newest campaign that has made it; None if none has."""
    from aiida import orm

    here = {"label": _name(stand_in), **names.any_of(names.SCREEN), "attributes.exit_status": 0}
    query = orm.QueryBuilder().append(orm.WorkChainNode, filters=here, tag="campaign")
    query.order_by({"campaign": {"ctime": "desc"}})
    node: orm.WorkChainNode | None = query.first(flat=True)
    return node


def _name(stand_in: StandIn) -> str:
    return f"stand-in {stand_in.system}"


def labels_of(stand_in: StandIn) -> Labels:
    """What came out of its stage.

    Raises:
        InputError: if it has not been made.
    """
    from aiida_mlhull.graph.models import cells_after
    from aiida_mlhull.science.errors import InputError
    from aiida_mlhull.science.types import concatenate

    campaign = campaign_of(stand_in)
    if campaign is None:
        raise InputError(f"{_name(stand_in)} has not been made")
    parts, _ = cells_after(campaign, stand_in.stage)
    labels: Labels = concatenate([node.to_science() for node in parts.values()])
    return labels


def make(stand_in: StandIn, elements: Mapping[str, float], *, jobs: int | None, progress: Progress) -> orm.ProcessNode:
    """Run the campaign that makes it, of all stages at once.

    Args:
        stand_in: what is to be made.
        elements: energies of the elements, eV/atom.
        jobs: at the same time; the campaigns' default if None.
        progress: is called with every report.

    Raises:
        CampaignFailedError: if it failed.
        StoppedError: if it was interrupted.
    """
    from aiida_mlhull.data import CandidatesData, ReferencesData
    from aiida_mlhull.launching.launch import prepare
    from aiida_mlhull.science.types import References

    known = References.from_rows(
        ids=list(elements), formulas=list(elements), energies=np.array(list(elements.values())), scheme=SCHEME
    )
    label = _name(stand_in)
    candidates = CandidatesData.from_science(drawn(stand_in), label=f"candidates of {label}").store()
    references = ReferencesData.from_science(known, label=f"elements of {label}").store()
    content: dict[str, Any] = {
        "name": label,
        "protocol": PROTOCOL,
        "candidates": {"node": str(candidates.pk)},
        "references": {"node": str(references.pk)},
        "overrides": {"stages": {"prerelax": {"gate": None}, "final": {"gate": None}}},
        "jobs": {} if jobs is None else {"max_in_flight": jobs},
    }
    return prepare(content).run(progress=progress)


def drawn(stand_in: StandIn) -> Any:
    """Prototypes of the system, as ``aiida-mlhull prototypes`` makes them."""
    from aiida_mlhull.science.generators import GENERATORS
    from aiida_mlhull.science.generators.base import GeneratorInput
    from aiida_mlhull.science.types import concatenate

    kind: Any = GENERATORS["prototypes"]
    start = GeneratorInput(elements=stand_in.elements)
    return concatenate([shard.candidates for shard in kind(kind.Settings()).shards(start, seed=0)])
