"""From a target to ranked ways to make it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from pydantic import Field, field_validator

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.hull.open_system import equation
from aiida_mlhull.science.hull.phase_space import PhaseSpace, phase_space
from aiida_mlhull.science.hull.sampled_selectivity import SampledSelectivity, decisive, sampled_selectivity
from aiida_mlhull.science.hull.selectivity import Selectivity, Weights, selectivity, targeted
from aiida_mlhull.science.hull.slices import Slice, cut
from aiida_mlhull.science.hull.stability import stability
from aiida_mlhull.science.recipes.enumeration import (
    Precursors,
    listed_precursors,
    mixing,
    pairs,
    stable_precursors,
    triples,
)
from aiida_mlhull.science.recipes.formulas import equation_text, spelled
from aiida_mlhull.science.recipes.literature import Literature
from aiida_mlhull.science.recipes.rankings import RANKINGS, Choices
from aiida_mlhull.science.representations.composition import Composition, reduce_formula
from aiida_mlhull.science.thermochemistry import Conditions, apply
from aiida_mlhull.science.types import Predictions, References, concatenate
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.recipes import JOINED, Reactions
from aiida_mlhull.science.types.strict import Strict
from aiida_mlhull.science.units import ON_HULL_TOLERANCE

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
        size: precursors per reaction, 2 or 3; of three there is no C2, so that selectivity weighs ΔE and C1 only.
        top: reactions that are kept.
        by_products: whether anything else than the target may come out.
        weights: of ΔE, C1 and C2 in Γ.
        samples: hulls to draw where energies are uncertain.
        seed: of the draws.
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
    samples: int = Field(default=500, ge=2)
    seed: int = Field(default=0, ge=0)

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
    scores = selectivity(space, goal, combined) if settings.size == 2 else _scored_triples(space, goal, combined)  # noqa: PLR2004
    fine = scores.formed if settings.by_products else scores.formed & (scores.share > 1 - 1e-9)
    scores, combined = scores.take(fine), combined[fine]
    choices = Choices(
        target=space.compositions[goal],
        precursors=[tuple(space.compositions[row] for row in rows) for rows in combined.tolist()],
        scores=scores,
        literature=literature,
        weights=Weights.checked(settings.weights),
    )
    order = np.argsort(RANKINGS[settings.ranking]().order(choices), kind="stable")[: max(settings.top, SAMPLED)]
    scores, combined = scores.take(order), combined[order]
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
    rivals = float(space.energies[goal] - space.hull(without=goal)[goal])
    return Recommended(reactions, len(fine), int(fine.sum()), chosen.missing, cold, rivals)


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
        kept.append(table.without([name for later in kept for name in later.ids.tolist()]))
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


def _scored_triples(space: PhaseSpace, goal: int, rows: Integers) -> Selectivity:
    """Scores of three precursors that mix to the target: C1 against the deepest points of the three slices; no C2."""
    values = np.full((len(rows), 3), np.nan)
    wanted = space.fractions[goal]
    rivals = float(space.hull(without=goal)[goal])
    depth: dict[tuple[int, int], float] = {}
    for i, three in enumerate(rows.tolist()):
        shares = mixing(space, three, wanted)
        assert shares is not None
        energy = float(space.energies[goal] - shares @ space.energies[three])
        lowest = 0.0
        for pair in ((three[0], three[1]), (three[0], three[2]), (three[1], three[2])):
            if pair not in depth:
                depth[pair] = float(cut(space, *pair).reaction_energies.min())
            lowest = min(lowest, depth[pair])
        values[i] = energy, energy - lowest, float(space.energies[goal]) - rivals
    return Selectivity(
        pairs=rows,
        formed=np.ones(len(rows), dtype=bool),
        x=np.full(len(rows), np.nan),
        share=np.ones(len(rows)),
        reaction_energy=values[:, 0],
        deepest=values[:, 1] < 0,
        inverse_hull=values[:, 2],
        primary=values[:, 1],
        secondary=np.zeros(len(rows)),
    )


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
    words = [_words(space, goal, three, scores, i) for i, three in enumerate(rows[:top].tolist())]
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
        secondary=scores.secondary[:top] if settings.size == 2 else nothing[:top],  # noqa: PLR2004
        gamma=scores.gamma(weights)[:top] if settings.size == 2 else nothing[:top],  # noqa: PLR2004
        gamma_std=(nothing if sampled is None else _spread(sampled.gamma(weights)))[:top],
        p_exergonic=(nothing if sampled is None else sampled.p_exergonic)[:top],
        p_deepest=(nothing if sampled is None else sampled.p_deepest)[:top],
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


def _words(space: PhaseSpace, goal: int, rows: Sequence[int], scores: Selectivity, i: int) -> dict[str, Any]:
    """Precursors, equation, by-products and competing phases of one reaction."""
    names = sorted(spelled(str(space.formulas[row])) for row in rows)
    if len(rows) > 2:  # noqa: PLR2004
        shares = mixing(space, rows, space.fractions[goal])
        assert shares is not None
        left = {str(space.formulas[r]): float(s / space.atoms[r]) for r, s in zip(rows, shares, strict=True)}
        right = {str(space.formulas[goal]): float(1.0 / space.atoms[goal])}
        balance = _exchanged(space, left, right)
        text = equation_text(left, right, balance)
        return {"precursors": JOINED.join(names), "equation": text, "by_products": "", "competing": ""}
    line = through(space, goal, rows)
    kink = int(np.argmin(np.abs(line.x - scores.x[i])))
    made = equation(space, line, kink, start=rows[0], end=rows[1])
    mine = spelled(str(space.formulas[goal]))
    others = [spelled(name) for name in made.products if spelled(name) != mine]
    met = {spelled(str(space.formulas[row])) for j in (kink - 1, kink + 1) for row in line.products(j)}
    return {
        "precursors": JOINED.join(names),
        "equation": equation_text(made.reactants, made.products, made.exchanged),
        "by_products": JOINED.join(sorted(others)),
        "competing": JOINED.join(sorted(met - set(names) - {mine} - set(others))),
    }


def through(space: PhaseSpace, goal: int, rows: Sequence[int]) -> Slice:
    """The slice between two reactants, on which an unstable target stands just below the hull."""
    smaller, kept, _, lift = targeted(space, goal)
    if not lift:
        return cut(space, rows[0], rows[1])
    energies = space.energies.copy()
    energies[goal] = smaller.energies[int(np.searchsorted(kept, goal))]
    return cut(replace(space, energies=energies), rows[0], rows[1])


def _exchanged(space: PhaseSpace, left: dict[str, float], right: dict[str, float]) -> dict[str, float]:
    """Element to moles of atoms from the reservoir that balance an equation."""
    balance = dict.fromkeys(space.potentials, 0.0)
    for side, sign in ((left, -1.0), (right, 1.0)):
        for name, moles in side.items():
            composition = reduce_formula(name)
            for symbol, count in zip(composition.symbols, composition.counts, strict=True):
                if symbol in balance:
                    balance[symbol] += sign * moles * count
    return {symbol: n for symbol, n in balance.items() if abs(n) > 1e-9}  # noqa: PLR2004
