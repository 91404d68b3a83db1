"""What ``job.json`` may say for each task, checked when it is written and again when it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from aiida_mlhull.science.ensembles import EnsembleSettings
from aiida_mlhull.science.ensembles.rows import Baseline
from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.products.ensemble import ProductSettings
from aiida_mlhull.science.relaxation import POTENTIALS
from aiida_mlhull.science.relaxation.base import RelaxationSettings
from aiida_mlhull.science.types.strict import Strict

REFERENCES_FILE: Final = "references.parquet"
WARM_REFERENCES_FILE: Final = "warm_references.parquet"
POOL_FILE: Final = "pool.parquet"
PREDICTIONS_FILE: Final = "predictions.parquet"
LABELS_FILE: Final = "labels.parquet"
SHARD_FILE: Final = "cells.parquet"
CHOSEN_FILE: Final = "chosen.parquet"
MADE_FILE: Final = "made.parquet"
"""Cells for those that were chosen; missing if none could be made."""
TOLD_FILE: Final = "told.parquet"
"""The choice, with a reason for those that got no cell."""
LEFT_FILE: Final = "left.parquet"
"""The pool without them."""
RECIPES_FILE: Final = "recipes.parquet"
EXPECTED_FILE: Final = "expected.parquet"
FINISHED_FILE: Final = "finished.jsonl"
"""Rows that a relaxation has done so far, one line each; a restart goes on after them."""
EARLIER_FOLDER: Final = "earlier"
"""Folder of an earlier try at the same job, whose finished rows count too."""

PARENT_FOLDER: Final = "parent"
"""Folder of the ensemble whose members these begin with."""

Noun = Literal["Candidates", "Labels"]


def _in_the_folder(name: str) -> str:
    if name in {"", ".."} or Path(name).name != name or "\0" in name:
        raise ValueError(f"{name!r} is not a file of the job's own folder")
    return name


OwnFile = Annotated[str, AfterValidator(_in_the_folder)]
"""Name of a file in the job's folder; nothing is read anywhere else."""


def check_parent(ensemble: EnsembleSettings, *, has_parent: bool) -> None:
    """Refuse a parent without a transfer, and a transfer without a parent.

    Raises:
        SettingsError: if mode and parent don't fit together.
    """
    mode = ensemble.transfer.mode
    if has_parent and mode == "scratch":
        raise SettingsError(
            "a parent ensemble was given, but transfer.mode is 'scratch': say 'full' or 'head', or leave the parent out"
        )
    if not has_parent and mode != "scratch":
        raise SettingsError(f"transfer.mode is {mode!r}, but there is no parent ensemble to begin with")


class Job(Strict):
    """What all tasks can be told.

    Attributes:
        device: ``cpu``, ``cuda``, ``cuda:1``, or ``auto`` for whatever the node has.
        processes: processes, one thread each; None takes all cores that the job may use. The results
            don't depend on it.
        stop_after: seconds after which the job gives up by itself, short of the scheduler's limit, so
            that it can still say so.
    """

    task: ClassVar[str]

    device: str = "cpu"
    processes: int | None = Field(default=None, ge=1)
    stop_after: float | None = Field(default=None, gt=0)


class FitJob(Job):
    """Fit members of an ensemble.

    Attributes:
        cells: file name to noun of the tables with input cells.
        unrelaxed: file names of the candidates before any stage, where the cells are a stage's.
        labels: file names of the tables with results of the last stage.
        steps: file names of the tables with ionic steps that are learned from as well.
        baseline: see :data:`~aiida_mlhull.science.ensembles.rows.Baseline`.
        ensemble: the ensemble's settings.
        members: which of its members.
        seed: the ensemble's seed.
        has_parent: whether there is a parent ensemble to begin with.
        warm_cells: the same as ``cells``, of earlier campaigns whose labels are learned from as well.
        warm_unrelaxed: the same as ``unrelaxed``.
        warm_labels: the same as ``labels``; their references are ``warm_references.parquet``.
    """

    task: ClassVar[str] = "fit"

    cells: dict[OwnFile, Noun] = Field(min_length=1)
    unrelaxed: list[OwnFile] = Field(default_factory=list)
    labels: list[OwnFile] = Field(min_length=1)
    steps: list[OwnFile] = Field(default_factory=list)
    baseline: Baseline = "references"
    ensemble: EnsembleSettings = Field(default_factory=EnsembleSettings)
    members: list[int] = Field(min_length=1)
    seed: int = Field(ge=0)
    has_parent: bool = False
    warm_cells: dict[OwnFile, Noun] = Field(default_factory=dict)
    warm_unrelaxed: list[OwnFile] = Field(default_factory=list)
    warm_labels: list[OwnFile] = Field(default_factory=list)

    @field_validator("members")
    @classmethod
    def _distinct(cls, members: list[int]) -> list[int]:
        if len(set(members)) < len(members):
            raise ValueError("a member is listed twice")
        return sorted(members)

    @model_validator(mode="after")
    def _within_ensemble(self) -> FitJob:
        outside = [member for member in self.members if not 0 <= member < self.ensemble.members]
        if outside:
            raise ValueError(f"members {outside} are not among 0 to {self.ensemble.members - 1}")
        return self

    @model_validator(mode="after")
    def _parent_and_mode(self) -> FitJob:
        check_parent(self.ensemble, has_parent=self.has_parent)
        return self

    def identity(self) -> dict[str, Any]:
        """What decides about the members, for telling whether an earlier try still counts."""
        idle = set() if self.warm_labels else {"warm_cells", "warm_unrelaxed", "warm_labels"}
        return self.model_dump(mode="json", exclude={"members", "processes", "stop_after", *idle})


class PredictJob(Job):
    """Predict a shard with all members.

    Attributes:
        cells: file name to noun of the table with input cells.
        unrelaxed: file name of the candidates before any stage, where the cells are a stage's.
        baseline: the one that the ensemble was fitted with.
        rows: all of them, or only those that ``pool.parquet`` keeps or drops.
    """

    task: ClassVar[str] = "predict"

    cells: dict[OwnFile, Noun] = Field(min_length=1)
    unrelaxed: list[OwnFile] = Field(default_factory=list)
    baseline: Baseline = "references"
    rows: Literal["all", "kept", "dropped"] = "all"


class MakeCellsJob(Job):
    """Make cells for the labels that ``chosen.parquet`` keeps.

    Attributes:
        seed: of cells that are drawn.
    """

    task: ClassVar[str] = "make_cells"

    seed: int = Field(ge=0)


class FitProductsJob(Job):
    """Fit an ensemble on ``recipes.parquet``.

    Attributes:
        products: the ensemble's settings.
        seed: its only source of chance.
    """

    task: ClassVar[str] = "fit_products"

    products: ProductSettings = Field(default_factory=ProductSettings)
    seed: int = Field(ge=0)


class PredictProductsJob(Job):
    """Say what is expected of the recipes of ``recipes.parquet``."""

    task: ClassVar[str] = "predict_products"


class PotentialSettings(Strict):
    """How a universal potential relaxes a stage.

    Attributes:
        potential: name in the registry of potentials.
        also: names of other potentials that are asked for their energy at the relaxed cell. Models learn what each is
            worth; two that were trained differently err differently.
        weights: files of weights, by name of the potential, for those that don't ship theirs; paths on the machine
            where the jobs run.
        scheme: of the energies, where the weights aren't the ones that the potential declares.
        volume: volume to start from: ``predicted`` from composition and cell (DLS), for candidates that
            still have their parent's volume, or ``as_given``.
        relaxation: freedom, forces, steps.
    """

    potential: str = "chgnet"
    also: tuple[str, ...] = ()
    weights: dict[str, str] = Field(default_factory=dict)
    scheme: str = ""
    volume: Literal["predicted", "as_given"] = "predicted"
    relaxation: RelaxationSettings = Field(default_factory=RelaxationSettings)

    @model_validator(mode="after")
    def _known(self) -> PotentialSettings:
        asked = [self.potential, *self.also]
        for name in [*asked, *self.weights]:
            if name not in POTENTIALS:
                raise ValueError(f"unknown potential {name!r}; known: {', '.join(POTENTIALS)}")
        if len(set(asked)) < len(asked):
            raise ValueError(f"each potential is asked once: {', '.join(asked)}")
        stray = [name for name in self.weights if name not in asked]
        if stray:
            raise ValueError(f"weights are given for {', '.join(stray)}, but these potentials are not asked")
        return self

    @property
    def energies_scheme(self) -> str:
        """The convention of the energies of the potential that relaxes."""
        declared: str = POTENTIALS[self.potential].scheme
        return self.scheme or declared


class RelaxJob(Job):
    """Relax the rows that ``pool.parquet`` keeps.

    Attributes:
        cells: file name to noun of the table with input cells.
        stage: name of the stage.
        how: potential, start volume, freedom.
    """

    task: ClassVar[str] = "relax"

    cells: dict[OwnFile, Noun] = Field(min_length=1)
    stage: str
    how: PotentialSettings = Field(default_factory=PotentialSettings)

    def identity(self) -> dict[str, Any]:
        """What decides about the results, for telling whether earlier rows still count."""
        return self.model_dump(mode="json", include={"stage", "how", "device"})
