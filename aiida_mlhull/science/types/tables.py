"""The nouns of a campaign, each a table: what goes in, what is known, what comes out, what is decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from aiida_mlhull.science.errors import TableError, listed
from aiida_mlhull.science.types.crystals import Crystals, Floats
from aiida_mlhull.science.types.reasons import Stated, check_reasons
from aiida_mlhull.science.types.table import Booleans, Strings, Table

__all__ = [
    "Booleans",
    "Candidates",
    "Decisions",
    "Labels",
    "ModelRows",
    "Predictions",
    "References",
    "Strings",
    "TrainingRows",
]


DECIDING: Final = (Stated.CAMPAIGN, Stated.RULE, Stated.MERGING, Stated.OUTCOME, Stated.FILTER)
"""Who keeps and drops candidates."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Candidates(Table):
    """A shard of candidates.

    Attributes:
        crystals: n unrelaxed cells, or None for candidates that are only a label.
        protostructures: (n,) AFLOW-style protostructure labels, empty where not determined.
        origins: (n,) where each row came from: file and row, or parent and draw.
        source: what the whole shard came from.
    """

    crystals: Crystals | None
    protostructures: Strings
    origins: Strings
    source: str = ""

    def check(self) -> None:
        """Refuse broken crystals.

        Raises:
            CrystalError: see :meth:`Crystals.check`.
        """
        if self.crystals is not None:
            self.crystals.check(self.ids.tolist())


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class References(Table):
    """Known phases: the fixed side of the hull.

    Attributes:
        energies: (n,) eV/atom.
        source: where they come from.
        scheme: functional, settings and correction scheme in words; energies of different schemes
            never meet in one hull.
    """

    energies: Floats
    source: str = ""
    scheme: str = ""

    def check(self) -> None:
        """Refuse energies that are not finite.

        Raises:
            TableError: if some are.
        """
        broken = ~np.isfinite(self.energies)
        if broken.any():
            raise TableError(f"NaN or infinite reference energies: {listed(self.ids[broken])}")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Labels(Table):
    """What a relaxation stage gave for every crystal that went in.

    Attributes:
        energies: (n,) eV/atom; NaN where the relaxation failed.
        crystals: n cells after the stage; the cell that went in where it failed.
        failures: (n,) a :class:`~aiida_mlhull.science.types.reasons.Reason` that engines state, with details;
            empty where it went well.
        core_minutes: (n,) cost.
        stage: name of the stage.
        engine: what relaxed them.
        scheme: functional, settings and correction scheme of the energies.
        cost_basis: ``"measured"``, or ``"nominal"`` where the engine only knows a published mean.
        protostructures: (n,) labels of ``crystals``, empty where not determined; None where the engine
            doesn't look. Compared with the candidates' they tell what changed its symmetry in a stage.
        further_energies: (n, k) eV/atom, what k other potentials say about ``crystals``, each in its own scheme; NaN
            where one couldn't tell. They never meet ``energies`` in a hull: models learn what they are worth. None
            where no other one was asked; ``engine`` names them.
    """

    fillable: ClassVar[frozenset[str]] = frozenset({"further_energies"})

    energies: Floats
    crystals: Crystals
    failures: Strings
    core_minutes: Floats
    stage: str
    engine: str
    scheme: str
    cost_basis: str = "measured"
    protostructures: Strings | None = None
    further_energies: Floats | None = None

    def check(self) -> None:
        """Refuse rows that are neither an energy nor a reason.

        Raises:
            TableError: if an energy is missing without a reason, or there with one, or the reason is not listed.
            CrystalError: see :meth:`Crystals.check`.
        """
        broken = np.isfinite(self.energies) == (self.failures != "")
        if broken.any():
            raise TableError(f"rows must have a finite energy or a reason of failure: {listed(self.ids[broken])}")
        check_reasons(self.failures.tolist(), Stated.RELAXATION, what="results")
        self.crystals.check(self.ids.tolist())

    @property
    def succeeded(self) -> Booleans:
        """(n,) true where there is an energy."""
        return np.asarray(self.failures == "")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ModelRows(Table):
    """What a model is asked about: cells and what is already known of their energies.

    Attributes:
        crystals: n cells as they are before the stage in question (unrelaxed, or after the stage before).
        baselines: (n,) eV/atom; models learn energy minus baseline. The baseline is the mixture of the
            elemental references (then the target is the formation energy), the hull of all references
            (then it is the distance from what is known), or the energy of a cheaper stage (then it is
            the difference between the two).
        stage_energies: (n, k) eV/atom, what the stage before made of every row: in the first column the energy that
            it relaxed to, in the others what further potentials say there, NaN where they couldn't tell; each column
            is on a scale of its own. None where there was no such stage.
        unrelaxed: n cells as they were before any stage; None where ``crystals`` are these.
        protostructures: (n,) labels of rows that have no cells yet; ``crystals`` are then boxes with the right atoms in
            meaningless places, for models that read labels or compositions. None where ``crystals`` are cells.
    """

    crystals: Crystals
    baselines: Floats
    stage_energies: Floats | None = None
    unrelaxed: Crystals | None = None
    protostructures: Strings | None = None

    def check(self) -> None:
        """Refuse baselines and stage energies that are not finite.

        Raises:
            TableError: if some are.
            CrystalError: see :meth:`Crystals.check`.
        """
        broken = ~np.isfinite(self.baselines)
        if broken.any():
            raise TableError(f"NaN or infinite baselines: {listed(self.ids[broken])}")
        if self.stage_energies is not None:
            without = ~np.isfinite(self.stage_energies[:, 0])
            if without.any():
                raise TableError(f"no energy of the stage before: {listed(self.ids[without])}")
        self.crystals.check(self.ids.tolist())


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TrainingRows(ModelRows):
    """What a model learns from.

    Attributes:
        energies: (n,) eV/atom after the last stage.
        relaxed: n cells after the last stage, of the same composition.
        warm: (n,) true for rows of earlier campaigns, which are learned from and never validated on; None where there
            are none.
    """

    energies: Floats
    relaxed: Crystals
    warm: Booleans | None = None

    @property
    def own(self) -> Booleans:
        """(n,) true for rows of the campaign itself."""
        return np.ones(len(self), dtype=bool) if self.warm is None else ~self.warm

    def check(self) -> None:
        """Refuse labels that are not finite.

        Raises:
            TableError: if some are.
            CrystalError: see :meth:`Crystals.check`.
        """
        super().check()
        broken = ~np.isfinite(self.energies)
        if broken.any():
            raise TableError(f"NaN or infinite energies: {listed(self.ids[broken])}")
        self.relaxed.check(self.ids.tolist())


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Predictions(Table):
    """What an ensemble of M members predicts for every row's energy.

    Attributes:
        members: (n, M) eV/atom, every member's value.
        member_aleatoric: (n, M) eV/atom, every member's own spread: the square root of its validation
            MSE, the same in all rows, for losses that don't predict one (Ekström 2022); the predicted
            one for heteroskedastic losses (Goodall 2021).
        model: name of the model.
        ensembles: number of members by the name of their ensemble, in the order of the columns, where several ensembles
            were asked; None where all members are one.
    """

    members: Floats
    member_aleatoric: Floats
    model: str = ""
    ensembles: dict[str, int] | None = None

    def check(self) -> None:
        """Refuse predictions that are not finite.

        Raises:
            TableError: if some are, or the spreads don't fit the members.
        """
        if self.members.ndim != 2 or self.members.shape != self.member_aleatoric.shape:  # noqa: PLR2004
            raise TableError(f"members {self.members.shape} and spreads {self.member_aleatoric.shape} differ in shape")
        if self.ensembles is not None and sum(self.ensembles.values()) != self.members.shape[1]:
            raise TableError(f"ensembles {self.ensembles} don't add up to {self.members.shape[1]} members")
        broken = ~(np.isfinite(self.members).all(axis=1) & (self.member_aleatoric >= 0).all(axis=1))
        if broken.any():
            raise TableError(f"predictions that are not finite, or negative spreads: {listed(self.ids[broken])}")

    @property
    def mean(self) -> Floats:
        """(n,) eV/atom, the members' mean."""
        return np.asarray(self.members.mean(axis=1))

    @property
    def aleatoric(self) -> Floats:
        """(n,) eV/atom, sigma_a: root of the mean of the members' squared spreads."""
        return np.asarray(np.sqrt(np.mean(np.square(self.member_aleatoric), axis=1)))

    @property
    def epistemic(self) -> Floats:
        """(n,) eV/atom, sigma_e: the members' standard deviation (1/M, as both sources)."""
        return np.asarray(self.members.std(axis=1))

    @property
    def sigma(self) -> Floats:
        """(n,) eV/atom, sqrt(sigma_a² + sigma_e²)."""
        return np.hypot(self.aleatoric, self.epistemic)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Decisions(Table):
    """Keep or drop for every row, never an absence.

    Attributes:
        keep: (n,) true where the candidate goes on.
        reasons: (n,) a :class:`~aiida_mlhull.science.types.reasons.Reason`, with the id that it names where it
            names one (``same_as ID``).
        values: (n,) the number that was looked at.
        thresholds: (n,) what it was compared with.
        margins: (n,) distance from the threshold, positive on the keep side, in the value's unit.
        scores: (n,) the order in which kept rows are worth relaxing, highest first.
        rule: name of the keep-rule, or of another step that decided (``start``, ``merge``).
        unit: unit of value, threshold and margin.
        stage: stage that the decision is about.
        round: round within the stage.
    """

    keep: Booleans
    reasons: Strings
    values: Floats
    thresholds: Floats
    margins: Floats
    scores: Floats
    rule: str
    unit: str = "eV/atom"
    stage: str = ""
    round: int = 0

    def check(self) -> None:
        """Refuse rows without a reason, and reasons that are not in the list.

        Raises:
            TableError: if a row has none, or one that is not listed.
        """
        if len(self) and bool((self.reasons == "").any()):
            raise TableError(f"decisions without a reason: {listed(self.ids[self.reasons == ''])}")
        check_reasons(self.reasons.tolist(), *DECIDING, what="decisions")
