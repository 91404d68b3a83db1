"""``mlhull-job fit``: fit members of an ensemble."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from aiida_mlhull.science.ensembles import fit_member
from aiida_mlhull.science.ensembles.rows import training_rows
from aiida_mlhull.science.program.facts import device_used, versions
from aiida_mlhull.science.program.progress import say
from aiida_mlhull.science.program.settings import REFERENCES_FILE, FitJob
from aiida_mlhull.science.program.tables import read_cells, read_unrelaxed
from aiida_mlhull.science.program.workers import available_cores, dealt, stream
from aiida_mlhull.science.types import EnsembleWeights, Labels, MemberWeights, References, TrainingRows, concatenate
from aiida_mlhull.science.wire import JobFolder, encode_ensemble
from aiida_mlhull.science.wire.weights import ENSEMBLE_FILE


@dataclass(frozen=True, eq=False)
class Share:
    """What one process fits."""

    training: TrainingRows
    job: FitJob
    members: list[int]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A member, and what is said of it but is no part of it: times differ, members of one seed don't."""

    number: int
    weights: MemberWeights
    seconds: float
    device: str
    versions: dict[str, str]


def run(folder: JobFolder, job: FitJob) -> tuple[dict[str, int], dict[str, Any]]:
    """Fit the job's members and write them as (part of) an ensemble.

    Returns:
        Row counts by file, and facts for the completion marker.
    """
    cells = read_cells(folder, job.cells)
    labels = concatenate([folder.read_table(Labels, name) for name in sorted(job.labels)])
    references = folder.read_table(References, REFERENCES_FILE)
    before = read_unrelaxed(folder, job.unrelaxed)
    training, left_out = training_rows(cells, labels, references, baseline=job.baseline, candidates=before)
    say(f"{len(training)} of {len(labels)} labels to learn from; left out: {left_out}")
    hands = dealt(job.members, job.processes or available_cores())
    fitted = sorted(
        stream(fit_share, [Share(training, job, members) for members in hands]), key=lambda member: member.number
    )
    for name, content in encode_ensemble(part_of_ensemble(fitted, job)).items():
        folder.write_bytes(name, content)
    return {ENSEMBLE_FILE: len(fitted)}, {
        "device": fitted[0].device,
        "left_out": left_out,
        "n_training": len(training),
        "members": {
            str(member.number): _numbers(member.weights.scores) | {"seconds": round(member.seconds, 3)}
            for member in fitted
        },
    }


def fit_share(share: Share) -> Iterator[Fitted]:
    """Fit one process's members, one after the other."""
    for number in share.members:
        started = time.perf_counter()
        weights = fit_member(
            share.training,
            share.job.ensemble,
            member=number,
            seed=share.job.seed,
            device=share.job.device,
            report=lambda line, number=number: say(f"member {number}: {line}"),  # type: ignore[misc]
        )
        scores = {name: score for name, score in weights.scores.items() if name != "seconds"}
        seconds = time.perf_counter() - started
        say(f"member {number}: done after {seconds:.1f} s")
        yield Fitted(number, replace(weights, scores=scores), seconds, device_used(), versions())


def part_of_ensemble(fitted: list[Fitted], job: FitJob) -> EnsembleWeights:
    """These members as an ensemble; their ``meta`` still says which they are, for those who gather them."""
    return EnsembleWeights(
        model=job.ensemble.model,
        settings=job.ensemble.build().settings.model_dump(mode="json"),
        members=tuple(member.weights for member in fitted),
        preparation=fitted[0].weights.meta["preparation"],
        versions=fitted[0].versions | {"device": fitted[0].device},
    )


def _numbers(scores: dict[str, Any]) -> dict[str, float]:
    return {name: score for name, score in scores.items() if isinstance(score, int | float)}
