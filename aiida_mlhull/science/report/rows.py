"""One row per candidate: everything that a campaign knows of it, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.hull import HullDistances, distances, stability, with_results
from aiida_mlhull.science.hull.placement import hardly_explored
from aiida_mlhull.science.plots.style import chemist
from aiida_mlhull.science.report.chances import Chances
from aiida_mlhull.science.report.material import Material
from aiida_mlhull.science.report.symmetry import completed, prototype_words, symbols
from aiida_mlhull.science.representations.composition import SYMBOLS, Composition, distinct
from aiida_mlhull.science.triage.requirements import unit_of
from aiida_mlhull.science.types import References
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.properties import columns_for
from aiida_mlhull.science.types.reasons import Reason, code_of, detail_of
from aiida_mlhull.science.types.table import Booleans, Strings

NOT_CONSIDERED: Final = "not_considered"
"""The reason as long as nothing has been decided about a candidate."""

NAMES_ANOTHER: Final = (Reason.SAME_AS, Reason.AUDIT_OF)
NEVER: Final = -1


@dataclass(frozen=True, eq=False)
class CandidateRows:
    """n candidates, sorted by id.

    Attributes:
        ids: (n,) ids.
        compositions: the m different compositions among them.
        which: (n,) which of these each candidate has.
        mixture: (n,) eV/atom, the elements at each candidate's composition: formation energies count from it.
        hull: (n,) eV/atom, the hull of references and results at each composition.
        before: (n,) eV/atom, the hull of the references alone.
        gaps: (n,) eV/atom, certificate of ``hull``.
        known: references and results.
        reached: (n,) stages that each candidate has a result of.
        relaxed_in: (n,) rounds that had been decided when it was let into the last stage, 0 for the start set and
            where there is no gate; -1 for candidates that the last stage has no energy of.
        columns: what is shown, by name: see :data:`aiida_mlhull.science.report.fields.FIELDS`.
        searched: crystals whose symmetry was searched for here.
    """

    ids: Strings
    compositions: list[Composition]
    which: Integers
    mixture: Floats
    hull: Floats
    before: Floats
    gaps: Floats
    known: References
    reached: Integers
    relaxed_in: Integers
    columns: dict[str, NDArray[Any]]
    searched: int

    def __len__(self) -> int:
        return len(self.ids)


def candidate_rows(material: Material, chances: Chances) -> CandidateRows:
    """Bring everything that is known of every candidate into one table."""
    candidates, results = material.candidates, material.results
    n = len(candidates)
    known = material.references if results is None else with_results(material.references, results)
    compositions, which = distinct(candidates.formulas.tolist())
    formulas = [composition.formula for composition in compositions]
    hull = distances(formulas, np.zeros(len(formulas)), known)
    before = distances(formulas, np.zeros(len(formulas)), material.references)
    mixture = elemental_mixtures(compositions, material.references)
    reached = _reached(material)
    columns = _who(material, compositions, which)
    labels, searched = _symmetry(material, reached)
    columns |= labels
    columns |= _outcome(material)
    columns |= _predicted(chances, hull.hull_energy[which], mixture[which])
    columns |= _energies(material, mixture[which], hull.hull_energy[which])
    sizes = np.asarray([len(composition.numbers) for composition in compositions])[which]
    columns["underexplored"] = hardly_explored(columns["above_hull"], columns["phase_separation"], sizes)
    columns["decomposition"] = _decompositions(hull, known)[which]
    for asked, predictions in material.properties:
        columns |= columns_for(candidates.ids, asked, predictions)
    columns |= _cost(material)
    columns["reached"] = np.asarray(["", *(stage.name for stage in material.stages)], dtype=np.str_)[reached]
    return CandidateRows(
        ids=candidates.ids,
        compositions=compositions,
        which=which,
        mixture=mixture[which],
        hull=hull.hull_energy[which],
        before=before.hull_energy[which],
        gaps=hull.gap[which],
        known=known,
        reached=reached,
        relaxed_in=relaxed_in(material, n),
        columns=columns,
        searched=searched,
    )


def elemental_mixtures(compositions: list[Composition], references: References) -> Floats:
    """(m,) eV/atom, the lowest phases of the elements at each composition."""
    used = sorted({number for composition in compositions for number in composition.numbers})
    lowest = distances([SYMBOLS[z - 1] for z in used], np.zeros(len(used)), references).hull_energy
    energy = dict(zip(used, lowest.tolist(), strict=True))
    return np.asarray(
        [
            sum(count * energy[z] for z, count in zip(composition.numbers, composition.counts, strict=True))
            / composition.atoms
            for composition in compositions
        ]
    )


def relaxed_in(material: Material, n: int) -> Integers:
    """(n,) see :class:`CandidateRows`."""
    when = np.full(n, NEVER)
    results = material.results
    if results is None:
        return when
    ids, last = material.candidates.ids, material.stages[-1].name
    done = np.searchsorted(ids, results.take(results.succeeded).ids)
    entered = np.zeros(n, dtype=np.int64)
    for number, decided in enumerate(material.rounds, start=1):
        if decided.decisions.stage == last:
            entered[np.searchsorted(ids, decided.decisions.ids[decided.decisions.keep])] = number
    when[done] = entered[done]
    return when


def _reached(material: Material) -> Integers:
    """(n,) number of the last stage that has a result of each candidate, from 1; 0 where none has."""
    reached = np.zeros(len(material.candidates), dtype=np.int64)
    for number, stage in enumerate(material.stages, start=1):
        if stage.labels is not None:
            reached[material.candidates.positions(stage.labels.ids)] = number
    return reached


def _who(material: Material, compositions: list[Composition], which: Integers) -> dict[str, Any]:
    candidates = material.candidates
    shown = np.asarray([chemist(composition.formula) for composition in compositions], dtype=np.str_)
    systems = np.asarray(["-".join(sorted(composition.symbols)) for composition in compositions], dtype=np.str_)
    columns: dict[str, Any] = {"id": candidates.ids, "formula": shown[which], "system": systems[which]}
    if candidates.crystals is not None:
        columns["sites"] = candidates.crystals.n_sites
    columns["origin"] = candidates.origins
    return columns


def _symmetry(material: Material, reached: Integers) -> tuple[dict[str, Any], int]:
    """Prototype, and space groups before and after relaxation; those that went farthest are searched first."""
    candidates = material.candidates
    worth = np.argsort(-reached, kind="stable")
    before, searched = completed(candidates.protostructures, candidates.crystals, first=worth)
    after = np.full(len(candidates), "", dtype=object)
    for stage in material.stages:
        labels = stage.labels
        if labels is None:
            continue
        given = labels.protostructures if labels.protostructures is not None else np.full(len(labels), "", dtype="U1")
        last = stage is material.stages[-1]
        good = np.flatnonzero(labels.succeeded) if last else np.empty(0, dtype=np.int64)
        given, more = completed(given, labels.crystals, first=good)
        searched += more
        rows = candidates.positions(labels.ids[labels.succeeded])
        after[rows] = given[labels.succeeded]
    return {
        "prototype": prototype_words(before),
        "space_group_before": symbols(before),
        "space_group_after": symbols(after.astype(np.str_)),
    }, searched


def _outcome(material: Material) -> dict[str, Any]:
    """Reason, and what was compared with what at the end."""
    n, outcomes = len(material.candidates), material.outcomes
    if outcomes is None:
        empty = np.full(n, "", dtype="U1")
        nothing = np.full(n, np.nan)
        return {
            "reason": np.full(n, NOT_CONSIDERED),
            "details": empty,
            "twin_of": empty,
            "value": nothing,
            "threshold": nothing,
            "unit": empty,
        }
    codes = [code_of(reason) for reason in outcomes.reasons.tolist()]
    details = [detail_of(reason) for reason in outcomes.reasons.tolist()]
    names_another = np.asarray([code in NAMES_ANOTHER for code in codes], dtype=bool)
    value, threshold, unit = _compared(material, np.asarray(codes) == Reason.REQUIREMENT_UNMET)
    return {
        "reason": np.asarray(codes, dtype=np.str_),
        "details": np.where(names_another, "", details),
        "twin_of": np.where(names_another, details, ""),
        "value": value,
        "threshold": threshold,
        "unit": unit,
    }


def _compared(material: Material, required: Booleans) -> tuple[Floats, Floats, Strings]:
    """Value, threshold and unit of the last round that each candidate was decided about in; else NaN.

    Of candidates that a requirement has dropped (n,) those of the requirement.
    """
    n = len(material.candidates)
    value, threshold, unit = np.full(n, np.nan), np.full(n, np.nan), np.full(n, "", dtype=object)
    for one in material.rounds:
        rows = material.candidates.positions(one.decisions.ids)
        value[rows], threshold[rows], unit[rows] = one.decisions.values, one.decisions.thresholds, one.decisions.unit
    if material.outcomes is not None and required.any():
        value[required], threshold[required] = (
            material.outcomes.values[required],
            material.outcomes.thresholds[required],
        )
        units = {known.name: known.unit for known, _ in material.properties}
        unit[required] = [unit_of(reason, units) for reason in material.outcomes.reasons[required].tolist()]
    return value, threshold, unit.astype(np.str_)


def _predicted(chances: Chances, hull: Floats, mixture: Floats) -> dict[str, Any]:
    """What the last models that were asked about each candidate have said."""
    return {
        "predicted_formation": chances.mean - mixture,
        "predicted_above_hull": chances.mean - hull,
        "sigma": chances.sigma,
        "asked_in": chances.asked_in,
        "p_stable": chances.p_stable,
    }


def _energies(material: Material, mixture: Floats, hull: Floats) -> dict[str, Any]:
    """Energies of the last stage and where they lie."""
    n, results = len(material.candidates), material.results
    columns: dict[str, Any] = {
        name: np.full(n, np.nan) for name in ("energy", "formation", "above_hull", "signed", "phase_separation")
    }
    if results is None or not results.succeeded.any():
        return columns
    done = results.take(results.succeeded)
    rows = material.candidates.positions(done.ids)
    found = stability(done.formulas, done.energies, material.references)
    columns["energy"][rows] = done.energies
    columns["formation"][rows] = done.energies - mixture[rows]
    columns["above_hull"][rows] = np.maximum(done.energies - hull[rows], 0.0)
    columns["signed"][rows] = found.signed
    columns["phase_separation"][rows] = found.phase_separation
    return columns


def _decompositions(hull: HullDistances, known: References) -> Strings:
    """(m,) the phases that each composition falls apart into, with their atomic fractions."""
    name_of = dict(zip(known.ids.tolist(), known.formulas.tolist(), strict=True))
    texts = []
    for row in range(len(hull)):
        parts = sorted(hull.decomposition(row).items(), key=lambda part: -part[1])
        alone = len(parts) == 1
        texts.append(
            " + ".join(
                chemist(name_of[one]) if alone else f"{share:.3f} {chemist(name_of[one])}" for one, share in parts
            )
        )
    return np.asarray(texts, dtype=np.str_)


def _cost(material: Material) -> dict[str, Any]:
    """Core-minutes of all stages together, and the process that gave the last result."""
    minutes, process = np.zeros(len(material.candidates)), np.zeros(len(material.candidates), dtype=np.int64)
    for stage in material.stages:
        if stage.labels is not None:
            rows = material.candidates.positions(stage.labels.ids)
            minutes[rows] += stage.labels.core_minutes
            process[rows] = stage.processes
    return {"core_minutes": minutes, "process": process}
