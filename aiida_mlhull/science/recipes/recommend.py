"""From a target to ranked ways to make it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from pydantic import Field, field_validator

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.hull.phase_space import PhaseSpace, phase_space
from aiida_mlhull.science.hull.reactions.sampled_selectivity import SampledSelectivity, decisive, sampled_selectivity
from aiida_mlhull.science.hull.reactions.selectivity import Selectivity, Weights, selectivity
from aiida_mlhull.science.hull.reactions.triples import richest_mixtures, selectivity_of_triples
from aiida_mlhull.science.hull.stability import stability
from aiida_mlhull.science.products import PRODUCTS
from aiida_mlhull.science.recipes.enumeration import (
    Precursors,
    listed_precursors,
    pairs,
    stable_precursors,
    triples,
)
from aiida_mlhull.science.recipes.formulas import spelled
from aiida_mlhull.science.recipes.forward import forward_check
from aiida_mlhull.science.recipes.literature import Literature
from aiida_mlhull.science.recipes.rankings import RANKINGS, Choices
from aiida_mlhull.science.recipes.words import words_of
from aiida_mlhull.science.representations.composition import Composition, reduce_formula
from aiida_mlhull.science.thermochemistry import Conditions, apply
from aiida_mlhull.science.types import EnsembleWeights, Predictions, References, concatenate
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.recipes import Reactions
from aiida_mlhull.science.types.strict import Strict
from aiida_mlhull.science.units import ON_HULL_TOLERANCE

NO_CHECK: Final = "none"
SAMPLED: Final = 200
"""Reactions, the best ones, that are scored on sampled hulls."""


class RecipeSettings(Strict):
    """What is asked for.

    Attributes:
        ranking: name of an order.
        conditions: temperature, atmosphere, solids, corrections.
        extra_elements: elements beside those of the target that precursors may bring.
        source: where precursors come from: ``stable`` phases, ``literature``, or the list ``precursors``.
        precursors: formulas or ids, for ``source: list``.
        at_least: published uses that a precursor needs, for ``source: literature``.
        size: precursors per reaction, 2 or 3; see :mod:`~aiida_mlhull.science.hull.reactions.triples` for the scores of three.
        top: reactions that are kept.
        by_products: whether anything else than the target may come out.
        weights: of ΔE, C1 and C2 in Γ.
        forward: product model that is asked what it expects of the precursors, where there is literature to learn
            from: a name of :data:`~aiida_mlhull.science.products.PRODUCTS`, or ``none``.
        samples: hulls to draw where energies are uncertain.
        seed: of the draws, and of what is learned from the literature.
    """

    ranking: str = "selectivity"
    conditions: Conditions = Conditions()
    extra_elements: tuple[str, ...] = ()
    source: Literal["stable", "literature", "list"] = "stable"
    precursors: tuple[str, ...] = ()
    at_least: int = Field(default=5, ge=1)
    size: Literal[2, 3] = 2
    top: int = Field(default=10, ge=1)
    by_products: bool = True
    weights: tuple[float, float, float] = (0.10, 0.45, 0.45)
    forward: str = "nearest"
    samples: int = Field(default=500, ge=2)
    seed: int = Field(default=0, ge=0)

    @field_validator("forward")
    @classmethod
    def _known_model(cls, name: str) -> str:
        if name not in PRODUCTS and name != NO_CHECK:
            raise ValueError(f"unknown product model {name!r}; known: {', '.join(PRODUCTS)}, {NO_CHECK}")
        return name

    @field_validator("ranking")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in RANKINGS:
            raise ValueError(f"unknown ranking {name!r}; known: {', '.join(RANKINGS)}")
        return name


@dataclass(frozen=True, eq=False)
class Recommended:
    """What came out for one target.

    Attributes:
        reactions: the best ones, ids in their order.
        tried: combinations of precursors that were looked at.
        forming: of these, those that give the target.
        missing: precursors that were asked for, but that the references lack.
        cold: ids of solids that stayed at 0 K although G(T) was asked for.
        e_above_hull: eV/atom (per conserved atom in an open system) of the target; negative below all others.
    """

    reactions: Reactions
    tried: int
    forming: int
    missing: tuple[str, ...]
    cold: tuple[str, ...]
    e_above_hull: float


def recommend(
    target: str,
    references: References,
    settings: RecipeSettings,
    *,
    literature: Literature | None = None,
    predictions: Predictions | None = None,
    products: EnsembleWeights | None = None,
    volumes: dict[str, float] | None = None,
) -> Recommended:
    """Ways to make a target, the best first.

    Args:
        target: its formula, or its id among the references.
        references: known phases and own results, the target among them.
        settings: what is asked for.
        literature: published recipes.
        predictions: energies that are uncertain, by id; candidates that are not among the references yet
            compete with their mean.
        products: of a product model, asked in the forward check in place of one that learns from the literature.
        volumes: Å³/atom by id, for G(T) of solids.

    Raises:
        InputError: if the target is not among the references, or nothing can be asked.
        MissingEndMembersError: if an element is missing.
        HullError: if a slice could not be certified.
    """
    if predictions is not None:
        references = believed(references, predictions)
    space, cold = space_of(target, references, settings, volumes=volumes)
    goal = space.row(target)
    chosen = _precursors(space, goal, references=references, settings=settings, literature=literature)
    combined = (pairs if settings.size == 2 else triples)(space, goal, chosen.rows)  # noqa: PLR2004
    scores = _scored(space, goal, combined)
    fine = scores.formed if settings.by_products else scores.formed & (scores.share > 1 - 1e-9)
    scores, combined = _best(
        space, goal, scores=scores.take(fine), combined=combined[fine], settings=settings, literature=literature
    )
    sampled = None
    if predictions is not None and settings.size == 2 and len(combined):  # noqa: PLR2004
        sampled = sampled_selectivity(space, goal, combined, predictions, samples=settings.samples, seed=settings.seed)
    reactions = _table(
        space,
        goal,
        rows=combined,
        scores=scores,
        sampled=sampled,
        settings=settings,
        literature=literature,
        scheme=references.scheme,
    )
    learned = products if products is not None else literature if literature is not None and len(literature) else None
    if learned is not None and settings.forward != NO_CHECK:
        reactions = _checked(reactions, space.compositions[goal], learned, settings)
    rivals = float(space.energies[goal] - space.hull(without=goal)[goal])
    return Recommended(reactions, len(fine), int(fine.sum()), chosen.missing, cold, rivals)


def _best(
    space: PhaseSpace,
    goal: int,
    *,
    scores: Selectivity,
    combined: Integers,
    settings: RecipeSettings,
    literature: Literature | None,
) -> tuple[Selectivity, Integers]:
    """Those that the ranking puts first, in its order."""
    choices = Choices(
        target=space.compositions[goal],
        precursors=[tuple(space.compositions[row] for row in rows) for rows in combined.tolist()],
        scores=scores,
        literature=literature,
        weights=Weights.checked(settings.weights),
        seed=settings.seed,
    )
    order = np.argsort(RANKINGS[settings.ranking]().order(choices), kind="stable")[: max(settings.top, SAMPLED)]
    return scores.take(order), combined[order]


def _checked(
    reactions: Reactions, target: Composition, known: Literature | EnsembleWeights, settings: RecipeSettings
) -> Reactions:
    """The reactions with what published syntheses make of their precursors."""
    precursors = reactions.precursors.tolist()
    expected, away = forward_check(target, precursors, known, model=settings.forward, seed=settings.seed)
    return replace(reactions, predicted=np.asarray(expected, dtype=np.str_), predicted_distance=away)


def believed(references: References, predictions: Predictions) -> References:
    """The references and all candidates that were only predicted, at the mean of the members."""
    rest = predictions.without(references.ids.tolist())
    return References.from_rows(
        ids=[*references.ids.tolist(), *rest.ids.tolist()],
        formulas=[*references.formulas.tolist(), *rest.formulas.tolist()],
        energies=np.concatenate([references.energies, rest.mean]),
        source=references.source,
        scheme=references.scheme,
    )


def latest(tables: Sequence[Predictions]) -> Predictions | None:
    """The newest prediction of every row, from tables in the order in which they were made; None of none."""
    kept: list[Predictions] = []
    for table in reversed(tables):
        fresh = table.without([name for later in kept for name in later.ids.tolist()])
        if len(fresh):  # what is left of another ensemble has another number of members
            kept.append(fresh)
    return concatenate(kept) if kept else None


def new_phases(references: References, known: References) -> list[str]:
    """Formulas on the hull of ``references`` that ``known`` has no phase of, in alphabetical order."""
    before = set(map(reduce_formula, known.formulas.tolist()))
    here = {one: formula for formula in references.formulas.tolist() if (one := reduce_formula(formula)) not in before}
    names = list(here.values())
    above = stability(names, _lowest(references, list(here)), references).e_above_hull if names else np.empty(0)
    return sorted(
        spelled(name) for name, height in zip(names, above.tolist(), strict=True) if height <= ON_HULL_TOLERANCE
    )


def _lowest(references: References, compositions: Sequence[Composition]) -> Floats:
    """(n,) eV/atom, the lowest energy of each composition."""
    lowest: dict[Composition, float] = {}
    for formula, energy in zip(references.formulas.tolist(), references.energies.tolist(), strict=True):
        one = reduce_formula(formula)
        lowest[one] = min(energy, lowest.get(one, np.inf))
    return np.asarray([lowest[one] for one in compositions])


def space_of(
    target: str, references: References, settings: RecipeSettings, *, volumes: dict[str, float] | None = None
) -> tuple[PhaseSpace, tuple[str, ...]]:
    """The phases that can take part, under the conditions asked for; and solids that stayed at 0 K."""
    known = set(references.ids.tolist())
    formula = str(references.formulas[references.positions([target])[0]]) if target in known else target
    elements = {*reduce_formula(formula).symbols, *settings.extra_elements}
    applied = apply(references, settings.conditions, volumes=volumes)
    potentials = {e: value for e, value in applied.potentials.items() if e in elements}
    return phase_space(applied.references, elements, potentials=potentials), applied.cold


def _precursors(
    space: PhaseSpace, goal: int, *, references: References, settings: RecipeSettings, literature: Literature | None
) -> Precursors:
    if settings.source == "list" or settings.precursors:
        return listed_precursors(space, goal, settings.precursors)
    if settings.source == "stable":
        return stable_precursors(space, goal, phase_space(references, {*space.elements, *space.potentials}))
    if literature is None:
        raise InputError("precursors of the literature were asked for, but no published recipes are there")
    inside = set(space.elements) | set(space.potentials)
    common = [
        name
        for name in literature.common(at_least=settings.at_least)
        if inside.issuperset(reduce_formula(name).symbols)
    ]
    return listed_precursors(space, goal, common)


def _scored(space: PhaseSpace, goal: int, rows: Integers) -> Selectivity:
    """Scores of pairs, or of triples at the mixture that gives most of the target."""
    if rows.shape[1] == 2:  # noqa: PLR2004
        return selectivity(space, goal, rows)
    return selectivity_of_triples(space, goal, rows, richest_mixtures(space, goal, rows))


def _table(
    space: PhaseSpace,
    goal: int,
    *,
    rows: Integers,
    scores: Selectivity,
    sampled: SampledSelectivity | None,
    settings: RecipeSettings,
    literature: Literature | None,
    scheme: str,
) -> Reactions:
    """The best reactions with all that is known of them."""
    top = min(settings.top, len(rows))
    nothing = np.full(len(rows), np.nan)
    weights = Weights.checked(settings.weights)
    name = _name_of_decisive(sampled, weights)
    low, _, high = np.tile(nothing, (3, 1)) if sampled is None else sampled.primary_quantiles()
    words = [words_of(space, goal, some, x=float(scores.x[i])) for i, some in enumerate(rows[:top].tolist())]
    found = [
        None
        if literature is None
        else literature.precedent(space.compositions[goal], frozenset(space.compositions[r] for r in three))
        for three in rows[:top].tolist()
    ]
    return Reactions.from_rows(
        ids=[f"{i + 1:04d}" for i in range(top)],
        formulas=[spelled(str(space.formulas[goal]))] * top,
        precursors=[word["precursors"] for word in words],
        equations=[word["equation"] for word in words],
        by_products=[word["by_products"] for word in words],
        reaction_energies=scores.reaction_energy[:top],
        inverse_hull=scores.inverse_hull[:top],
        primary=scores.primary[:top],
        secondary=scores.secondary[:top],
        gamma=scores.gamma(weights)[:top],
        gamma_std=(nothing if sampled is None else _spread(sampled.gamma(weights)))[:top],
        p_exergonic=(nothing if sampled is None else sampled.p_exergonic)[:top],
        p_deepest=(nothing if sampled is None else sampled.p_deepest)[:top],
        primary_low=low[:top],
        primary_high=high[:top],
        deepest=scores.deepest[:top],
        competing=[word["competing"] for word in words],
        decisive=[name] * top,
        precedents=np.asarray([np.nan if one is None else float(one.count) for one in found]),
        nearest=["" if one is None else spelled(one.target) for one in found],
        published=["" if one is None else one.reference for one in found],
        temperatures=np.asarray([np.nan if one is None else one.temperature for one in found]),
        hours=np.asarray([np.nan if one is None else one.hours for one in found]),
        ranking=settings.ranking,
        conditions=settings.conditions.describe(),
        scheme=scheme,
    )


def _name_of_decisive(sampled: SampledSelectivity | None, weights: Weights) -> str:
    named = [] if sampled is None else decisive(sampled, weights=weights)
    return named[0].id if named else ""


def _spread(gamma: Floats) -> Floats:
    """(r,) standard deviation over the samples in which the target forms."""
    formed = np.isfinite(gamma)
    counts = np.maximum(formed.sum(axis=0), 1)
    mean = np.where(formed, gamma, 0.0).sum(axis=0) / counts
    return np.asarray(np.sqrt(np.where(formed, (gamma - mean) ** 2, 0.0).sum(axis=0) / counts))
