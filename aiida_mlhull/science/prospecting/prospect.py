"""Draw, clean, ask, decide: a substitution table from known crystals, draws, filters, an ensemble on labels, a rule.

No candidate has a cell while that happens; ids are those of the drawn crystals, so that a second pass of the
generator, which draws the same again, has the cells of the kept ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, cast

import numpy as np
from pydantic import Field, model_validator

from aiida_mlhull.science.cleaning.clean import CleaningSettings
from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member, gather, predict
from aiida_mlhull.science.ensembles.labels_only import check_reads_labels
from aiida_mlhull.science.ensembles.rows import NEED_REFERENCES, Baseline, elemental_mixtures, model_rows
from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.generators.base import GeneratorInput
from aiida_mlhull.science.generators.element_groups import excluded_numbers
from aiida_mlhull.science.generators.parents import Parents
from aiida_mlhull.science.generators.substitution import Substitution, SubstitutionSettings
from aiida_mlhull.science.models.base import ReportLine, silent
from aiida_mlhull.science.prospecting.draws import sound_labels
from aiida_mlhull.science.prospecting.stages import KeptEpochs, Stages
from aiida_mlhull.science.representations.boxes import boxes_of_formulas
from aiida_mlhull.science.representations.wyckoff import primitive_sizes
from aiida_mlhull.science.triage.base import rule_called
from aiida_mlhull.science.types import (
    Candidates,
    Decisions,
    EnsembleWeights,
    MemberWeights,
    Predictions,
    References,
    TrainingRows,
    concatenate,
)
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.strict import Strict
from aiida_mlhull.science.types.table import Strings, slices
from aiida_mlhull.science.units import ENERGY_UNIT

ASKED_AT_ONCE = 10_000
"""Rows that are represented at one time."""
MEMBER: Final = "member"
PREDICTIONS: Final = "predictions"
DEFAULT: Final[Baseline] = "references"
"""What members' energies are measured from, unless they say it themselves."""


class ProspectSettings(Strict):
    """How to prospect; defaults are the thesis'.

    Attributes:
        substitution: draws for each parent, how near to the hull parents lie, what is never drawn.
        cleaning: filters; those of cells look at the drawn cells, which are thrown away after that.
        ensemble: a model that reads labels or compositions.
        rule: that keeps or drops.
        rule_settings: its settings.
        seed: of draws and members.
    """

    substitution: SubstitutionSettings = Field(default_factory=lambda: SubstitutionSettings(draws=10))
    cleaning: CleaningSettings = Field(default_factory=CleaningSettings)
    ensemble: EnsembleSettings = Field(default_factory=lambda: EnsembleSettings(model="wren", members=10))
    rule: str = "sigma_adjusted"
    rule_settings: dict[str, Any] = Field(default_factory=dict)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _check_rule(self) -> ProspectSettings:
        self.make_rule()
        return self

    def make_rule(self) -> Any:
        """The keep-rule with its settings; errors are those of :func:`~aiida_mlhull.science.triage.base.rule_called`."""
        return rule_called(self.rule, self.rule_settings)


@dataclass(frozen=True, eq=False)
class Prospect:
    """What came of it.

    Attributes:
        plan: what was to be drawn, in words.
        left_out: draws that came to nothing, by reason.
        funnel: name of each filter, rows that met it, rows that it dropped.
        candidates: the clean ones, labels without cells.
        ensemble: that was asked.
        predictions: about them.
        decisions: about them.
    """

    plan: dict[str, Any]
    left_out: dict[str, int]
    funnel: list[tuple[str, int, int]]
    candidates: Candidates
    ensemble: EnsembleWeights
    predictions: Predictions
    decisions: Decisions

    @property
    def kept(self) -> Candidates:
        """The candidates that the rule keeps."""
        return self.candidates.select(self.decisions.ids[self.decisions.keep])


def prospect(
    known: Parents,
    energies: Floats,
    references: References,
    settings: ProspectSettings,
    *,
    ensemble: EnsembleWeights | None = None,
    stages: Stages | None = None,
    report: ReportLine = silent,
) -> Prospect:
    """Prospect from known crystals.

    Args:
        known: crystals with labels and distances from the hull: what the table is mined from, parents are chosen of,
            and members learn from.
        energies: (n,) eV/atom, theirs.
        references: known phases, the elements among them; the hull that candidates are measured against.
        settings: see :class:`ProspectSettings`.
        ensemble: that is asked, fitted elsewhere to energies above the elements or a hull; one is fitted to the known
            crystals if None.
        stages: where shards of draws, members and predictions are kept as they are done, and taken from if they are
            there: of the same call and none other. None keeps nothing.
        report: called with progress.

    Raises:
        CrystalError: if the model looks at cells.
        SettingsError: if a given ensemble predicts something else than energies on the references' scale.
        InputError: if there is nothing to draw from.
        TooFewLabelsError: if the crystals are too few to learn from.
        MissingEndMembersError: if the references lack an element.
    """
    check_words(settings, ensemble)
    stages = stages or Stages()
    generator, start = Substitution(settings.substitution), GeneratorInput(crystals=known)
    plan = generator.plan(start)
    report(f"{plan.draws:,} draws from {plan.facts['parents']:,} parents")
    candidates, left_out, steps = sound_labels(generator, start, settings.cleaning, seed=settings.seed, stages=stages)
    report(f"{len(candidates):,} candidates with labels of their own")
    ensemble = ensemble or _ensemble(known, energies, references, settings, stages=stages, report=report)
    predictions = concatenate(list(_asked(ensemble, candidates, references, stages=stages, report=report)))
    decisions = settings.make_rule().decide(predictions, references, seed=settings.seed)
    report(f"{int(decisions.keep.sum()):,} of {len(decisions):,} kept by {settings.rule}")
    return Prospect(plan.facts, left_out, steps, candidates, ensemble, predictions, decisions)


def _ensemble(
    known: Parents,
    energies: Floats,
    references: References,
    settings: ProspectSettings,
    *,
    stages: Stages,
    report: ReportLine,
) -> EnsembleWeights:
    """Members that have learned what the known crystals' labels say of their energies."""
    training = training_on_labels(known, energies, references, settings.cleaning)
    report(f"{len(training):,} labels to learn from")

    def fitted(number: int, under_way: KeptEpochs | None) -> MemberWeights:
        return fit_member(
            training, settings.ensemble, member=number, seed=settings.seed, report=report, checkpoints=under_way
        )

    members = []
    for number in range(settings.ensemble.members):
        under_way = stages.under_way(f"epochs_{number:03d}")
        members.append(stages.weights(f"{MEMBER}_{number:03d}", partial(fitted, number, under_way)))
        if under_way is not None:
            under_way.forget()
    return replace(gather(members, settings=settings.ensemble), baseline=DEFAULT)


def training_on_labels(
    known: Parents, energies: Floats, references: References, limits: CleaningSettings
) -> TrainingRows:
    """Known crystals as models that read labels see them: the lowest of every label that candidates could have."""
    positions, sites = primitive_sizes(known.protostructures).T
    usable = known.protostructures != ""
    usable &= positions < (np.inf if limits.positions is None else limits.positions)
    usable &= sites < (np.inf if limits.sites is None else limits.sites)
    rows = np.flatnonzero(usable)
    rows = rows[np.argsort(energies[rows], kind="stable")]
    rows = np.sort(rows[np.unique(known.protostructures[rows], return_index=True)[1]])
    return TrainingRows(
        ids=known.ids[rows],
        formulas=known.formulas[rows],
        crystals=boxes_of_formulas(known.formulas[rows].tolist()),
        protostructures=known.protostructures[rows],
        baselines=elemental_mixtures(known.formulas[rows], references),
        energies=energies[rows],
        relaxed=known.crystals.take(rows),
    )


def _asked(
    ensemble: EnsembleWeights, candidates: Candidates, references: References, *, stages: Stages, report: ReportLine
) -> Iterator[Predictions]:
    for number, part in enumerate(slices(len(candidates), size=ASKED_AT_ONCE)):
        rows = candidates.take(np.arange(part.start, part.stop))
        yield stages.table(f"{PREDICTIONS}_{number:04d}", Predictions, partial(ask, ensemble, rows, references))
        report(f"{part.stop:,} of {len(candidates):,} candidates asked about")


def check_words(settings: ProspectSettings, ensemble: EnsembleWeights | None) -> None:
    """Refuse what can be refused before anything is read; errors are those of :func:`prospect`."""
    excluded_numbers(settings.substitution.exclude)
    if ensemble is None:
        check_reads_labels(settings.ensemble.model)
    else:
        check_tells_energies(ensemble)


def check_tells_energies(ensemble: EnsembleWeights) -> None:
    """Refuse an ensemble that can't be asked about labels, or whose answers don't stand on a hull.

    Raises:
        CrystalError: if its model looks at cells.
        SettingsError: if it predicts something else than energies measured from the elements or a hull.
    """
    check_reads_labels(ensemble.model)
    if ensemble.classes or ensemble.unit != ENERGY_UNIT or (ensemble.baseline or DEFAULT) not in NEED_REFERENCES:
        raise SettingsError(
            f"this ensemble tells {ensemble.target} ({ensemble.unit or 'no unit'}) from baseline "
            f"{ensemble.baseline or DEFAULT!r}: prospecting needs energies above the elements or a hull; "
            "'aiida-mlhull fit TABLE --target COLUMN --references FILE' learns them"
        )


def ask(ensemble: EnsembleWeights, candidates: Candidates, references: References) -> Predictions:
    """What an ensemble says about labels without cells; energies on the scale of the references."""
    baseline = cast("Baseline", ensemble.baseline or DEFAULT)
    return predict(ensemble, model_rows(candidates, references, baseline=baseline))


def as_candidates(known: Parents, rows: Strings) -> Candidates:
    """Known crystals with these ids as labels without cells."""
    chosen = known.select(rows)
    return Candidates(
        ids=chosen.ids,
        formulas=chosen.formulas,
        crystals=None,
        protostructures=chosen.protostructures,
        origins=np.full(len(chosen), known.source),
        source=known.source,
    )
