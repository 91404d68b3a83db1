"""``mlhull-job fit``: fit members of an ensemble."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from aiida_mlhull.science.ensembles import fit_member
from aiida_mlhull.science.ensembles.familiar import learned_from, stage_of
from aiida_mlhull.science.ensembles.rows import NEED_REFERENCES, training_rows, with_earlier
from aiida_mlhull.science.ensembles.steps import Steps, steps_to_learn
from aiida_mlhull.science.program.facts import device_used, versions
from aiida_mlhull.science.program.fits import FitsUnderWay
from aiida_mlhull.science.program.progress import say
from aiida_mlhull.science.program.settings import (
    EARLIER_FOLDER,
    PARENT_FOLDER,
    REFERENCES_FILE,
    WARM_REFERENCES_FILE,
    FitJob,
)
from aiida_mlhull.science.program.tables import read_cells, read_ensemble, read_references, read_unrelaxed
from aiida_mlhull.science.program.workers import available_cores, dealt, stream
from aiida_mlhull.science.types import EnsembleWeights, Labels, MemberWeights, TrainingRows, concatenate
from aiida_mlhull.science.wire import JobFolder, encode_ensemble
from aiida_mlhull.science.wire.weights import ENSEMBLE_FILE


@dataclass(frozen=True, eq=False)
class FitPortion:
    """What one process fits."""

    training: TrainingRows
    steps: Steps | None
    job: FitJob
    members: list[int]
    fits: FitsUnderWay
    parent: EnsembleWeights | None


@dataclass(frozen=True, eq=False)
class Fitted:
    """A member, and metadata that are not part of it: times differ, members of one seed don't."""

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
    references = read_references(folder, job)
    before = read_unrelaxed(folder, job.unrelaxed)
    training, left_out = training_rows(cells, labels, references, baseline=job.baseline, candidates=before)
    if job.warm_labels:
        training = with_earlier(training, warm_rows(folder, job))
    own = int(training.own.sum())
    warm = f"; {len(training) - own} of earlier campaigns" if job.warm_labels else ""
    say(f"{own} of {len(labels)} labels to learn from{warm}; left out: {left_out}")
    kept = [folder.read_table(Labels, name) for name in sorted(job.steps)]
    steps = steps_to_learn(kept, training, at_most=job.ensemble.ionic_steps)
    if steps is not None:
        say(f"{len(steps)} of {sum(map(len, kept))} ionic steps to learn from")
    parent = read_ensemble(JobFolder(folder.path / PARENT_FOLDER)) if job.has_parent else None
    fits = FitsUnderWay(folder.path, identity(folder, job))
    fits.take_over(folder.path / EARLIER_FOLDER)
    hands = dealt(job.members, job.processes or available_cores())
    shares = [FitPortion(training, steps, job, members, fits, parent) for members in hands]
    fitted = sorted(stream(fit_share, shares), key=lambda member: member.number)
    part = part_of_ensemble(fitted, job, stage=stage_of(cells), learned=learned_from(training, labels.scheme))
    for name, content in encode_ensemble(part).items():
        folder.write_bytes(name, content)
    fits.clear()
    return {ENSEMBLE_FILE: len(fitted)}, {
        "device": fitted[0].device,
        "left_out": left_out,
        "n_training": own,
        "n_warm": len(training) - own,
        "n_steps": 0 if steps is None else len(steps),
        "members": {
            str(member.number): _numbers(member.weights.scores) | {"seconds": round(member.seconds, 3)}
            for member in fitted
        },
    }


def warm_rows(folder: JobFolder, job: FitJob) -> TrainingRows:
    """Labels of earlier campaigns, measured from the references that these had."""
    labels = concatenate([folder.read_table(Labels, name) for name in sorted(job.warm_labels)])
    references = read_references(folder, job, WARM_REFERENCES_FILE)
    before = read_unrelaxed(folder, job.warm_unrelaxed)
    cells = read_cells(folder, job.warm_cells)
    return training_rows(cells, labels, references, baseline=job.baseline, candidates=before).rows


def fit_share(share: FitPortion) -> Iterator[Fitted]:
    """Fit one process's members, one after the other; those that an earlier try has fitted are taken over."""
    for number in share.members:
        done = share.fits.finished(number)
        if done is not None:
            say(f"member {number}: was done by an earlier try")
            weights, about = done
            yield Fitted(number, weights, **about)
            continue
        started = time.perf_counter()
        weights = fit_member(
            share.training,
            share.job.ensemble,
            member=number,
            seed=share.job.seed,
            steps=share.steps,
            parent=share.parent,
            baseline=share.job.baseline,
            device=share.job.device,
            report=lambda line, number=number: say(f"member {number}: {line}"),  # type: ignore[misc]
            checkpoints=share.fits.checkpoints(number),
        )
        weights = replace(weights, scores={name: score for name, score in weights.scores.items() if name != "seconds"})
        about = {
            "seconds": time.perf_counter() - started,
            "device": device_used(),
            "versions": versions(),
        }
        share.fits.finish(number, weights, **about)
        say(f"member {number}: done after {about['seconds']:.1f} s")
        yield Fitted(number, weights, **about)


def identity(folder: JobFolder, job: FitJob) -> str:
    """A digest of all that decides about the members: settings, and every file that they are fitted on."""
    digest = hashlib.sha256(json.dumps(job.identity(), sort_keys=True).encode())
    parent = sorted((folder.path / PARENT_FOLDER).glob("*")) if job.has_parent else []
    names = [*sorted(job.cells), *sorted(job.unrelaxed), *sorted(job.labels), *sorted(job.steps)]
    names += [*sorted(job.warm_cells), *sorted(job.warm_unrelaxed), *sorted(job.warm_labels)]
    if job.baseline in NEED_REFERENCES:
        names += [REFERENCES_FILE, *([WARM_REFERENCES_FILE] if job.warm_labels else [])]
    for path in [*(folder.path / name for name in names), *parent]:
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def part_of_ensemble(fitted: list[Fitted], job: FitJob, *, stage: str, learned: dict[str, Any]) -> EnsembleWeights:
    """These members as an ensemble; their ``meta`` still holds their numbers, for gathering."""
    return EnsembleWeights(
        model=job.ensemble.model,
        settings=job.ensemble.build().settings.model_dump(mode="json"),
        members=tuple(member.weights for member in fitted),
        preparation=fitted[0].weights.meta["preparation"],
        target=job.ensemble.target,
        unit=job.ensemble.unit,
        baseline=job.baseline,
        classes=job.ensemble.classes,
        calibration={"stage": stage},
        learned=learned,
        versions=fitted[0].versions | {"device": fitted[0].device},
    )


def _numbers(scores: dict[str, Any]) -> dict[str, float]:
    return {name: score for name, score in scores.items() if isinstance(score, int | float)}
