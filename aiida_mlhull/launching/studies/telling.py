"""A study's report out of the graph: every number is computed from stored predictions and stored truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aiida_mlhull.graph.studied.found import RunNodes, find_run
from aiida_mlhull.science.studies.runs import runs_of
from aiida_mlhull.science.studies.scores import scores
from aiida_mlhull.science.studies.standing import study_facts

if TYPE_CHECKING:
    from aiida_mlhull.science.studies import Study, StudyRun
    from aiida_mlhull.science.studies.settings import Size


def told(study: Study, *, size: Size, seeds: Sequence[int]) -> dict[str, Any]:
    """Facts of all rows, see :func:`~aiida_mlhull.science.studies.standing.study_facts`.

    Args:
        study: the study.
        size: at which it was run.
        seeds: of the runs that are told.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for seed in seeds:
        for run in runs_of(study, size=size, seed=seed):
            nodes = find_run(run)
            if nodes.is_finished:
                found.setdefault(run.row.name, []).append(_facts(run, nodes))
    return study_facts(study, found, size=size)


def _facts(run: StudyRun, nodes: RunNodes) -> dict[str, Any]:
    assert nodes.ensemble is not None
    assert nodes.truth is not None
    classes = () if run.row.classes is None else run.row.classes.names
    ensemble, truth = nodes.ensemble.to_science(), nodes.truth.to_science()
    members = ensemble.members
    return {
        "seed": run.seed,
        "learned": nodes.rows_learned(),
        "asked": len(truth),
        "members": len(members),
        "epochs": [_epochs(one.scores) for one in members],
        "scores": scores(nodes.predictions(), truth, classes=classes),
        "versions": ensemble.versions | nodes.versions(),
        "pks": nodes.pks(),
        "data": nodes.label.rpartition("/")[2],
    }


def _epochs(scores: dict[str, Any]) -> int | None:
    """Epochs that a member learned for; None for models that learn in a single step."""
    history = scores.get("history")
    return len(history) if history is not None else None
