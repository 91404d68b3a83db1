"""What a gate requires of properties: ``gap > 1 eV``, ``1.1 < gap < 1.7``, ``P(gap > 1) > 0.5``, ``P(semiconductor) > 0.5``.

A number is compared by the mean that its ensemble predicts, or by the chance that it lies where it should: that of a normal
distribution with the mean and the σ that the ensemble states. Of classes it is always the chance of one that is compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import SettingsError, listed
from aiida_mlhull.science.triage.base import chance_below, decided
from aiida_mlhull.science.types import Decisions, Predictions
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.properties import Property
from aiida_mlhull.science.types.reasons import Reason, detail_of, with_detail
from aiida_mlhull.science.types.table import Booleans

CHANCE: Final = "probability"
"""Unit of chances."""
RULE: Final = "requirement"
"""In the place of a keep-rule's name."""

_NUMBER: Final = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_SIGN: Final = r"<=|>=|<|>"
_ONE_SIDED: Final = re.compile(
    rf"(?P<name>[a-z]\w*)?\s*(?P<sign>{_SIGN})\s*(?P<number>{_NUMBER})\s*(?P<unit>[^\d\s].*)?"
)
_WINDOW: Final = re.compile(
    rf"(?P<low>{_NUMBER})\s*(?P<from>{_SIGN})\s*(?P<name>[a-z]\w*)\s*(?P<to>{_SIGN})\s*(?P<high>{_NUMBER})"
    r"\s*(?P<unit>[^\d\s].*)?"
)
_CHANCE: Final = re.compile(rf"P\s*\((?P<of>.+)\)\s*(?P<sign>{_SIGN})\s*(?P<number>{_NUMBER})\s*(?P<percent>%)?")


@dataclass(frozen=True)
class Bounds:
    """Where a number should lie.

    Attributes:
        low: it should lie above; -inf for none.
        high: it should lie below; inf for none.
        closed: whether the bounds themselves will do, ``low`` and ``high``.
    """

    low: float = -np.inf
    high: float = np.inf
    closed: tuple[bool, bool] = (False, False)

    def hold(self, values: Floats) -> Booleans:
        """(n,) which values lie within."""
        above = values >= self.low if self.closed[0] else values > self.low
        below = values <= self.high if self.closed[1] else values < self.high
        return np.asarray(above & below)

    def nearest(self, values: Floats) -> tuple[Floats, Floats]:
        """(n,) the bound that each value is nearest to crossing, and (n,) how far within it lies; negative outside."""
        within = np.stack([values - self.low, self.high - values])
        which = within.argmin(axis=0)
        return np.asarray([self.low, self.high])[which], within[which, np.arange(len(values))]


@dataclass(frozen=True)
class Requirement:
    """What a candidate has to be predicted to be.

    Attributes:
        name: of the property.
        text: as it was written, in the one spelling that messages have.
        bounds: of the number; None where a class is meant.
        unit: of the bounds, as written; empty where it was not.
        of: the class whose chance is meant; empty for a number.
        chance: bounds of the chance; None where the mean itself is compared.
    """

    name: str
    text: str
    bounds: Bounds | None = None
    unit: str = ""
    of: str = ""
    chance: Bounds | None = None

    @property
    def compared_by(self) -> Bounds:
        """What the value of :meth:`value` is compared with."""
        bounds = self.bounds if self.chance is None else self.chance
        assert bounds is not None
        return bounds

    def check(self, known: Property) -> None:
        """Refuse an ensemble that can't tell.

        Raises:
            SettingsError: if it predicts numbers where a class is meant, or classes where a number is; if it has no such
                class, or more than two; or if its unit is another one.
        """
        if self.of and not known.classes:
            raise SettingsError(
                f"{self.name} ({known.words}) is a number, which has no class {self.of!r}: write '> 1.0' or "
                f"'P({self.name} > 1.0) > 0.5'"
            )
        if known.classes and not self.of:
            raise SettingsError(
                f"{self.name} tells classes apart, so that {self.text!r} means nothing: write 'P({known.classes[-1]}) > 0.5' "
                f"({known.words})"
            )
        if known.classes:
            known.number_of(self.of)
        if self.unit and known.unit and self.unit != known.unit:
            raise SettingsError(
                f"{self.text}: the ensemble predicts {known.target} in {known.unit}, not in {self.unit}"
            )

    def value(self, predictions: Predictions, known: Property) -> Floats:
        """(n,) what is compared: the mean in the property's unit, or a chance."""
        if self.chance is None:
            return predictions.mean
        if self.of:
            second = predictions.mean
            return second if known.number_of(self.of) else 1.0 - second
        assert self.bounds is not None
        # Infinite distances are chances of one and zero: an open side cuts nothing off.
        below_high, below_low = (
            chance_below(predictions.mean - bound, predictions.sigma) for bound in (self.bounds.high, self.bounds.low)
        )
        return np.asarray(below_high - below_low)

    def decide(self, predictions: Predictions, known: Property, *, stage: str) -> Decisions:
        """Drop what doesn't meet it.

        Args:
            predictions: of the property.
            known: which one it is.
            stage: that the gate stands before.

        Returns:
            One row a prediction, with the value that was compared, the nearest bound and the distance from it. Reasons say
            the requirement.
        """
        values = self.value(predictions, known)
        thresholds, margins = self.compared_by.nearest(values)
        keep = self.compared_by.hold(values)
        rows = decided(
            predictions,
            rule=RULE,
            keep=keep,
            reasons=(with_detail(Reason.REQUIREMENT_MET, self.text), with_detail(Reason.REQUIREMENT_UNMET, self.text)),
            values=values,
            thresholds=thresholds,
            margins=margins,
            scores=np.zeros(len(values)),
            unit=known.unit if self.chance is None else CHANCE,
        )
        return replace(rows, stage=stage)


def read_requirement(name: str, said: str) -> Requirement:
    """A requirement as people write it.

    Args:
        name: of the property.
        said: ``> 1.0``, ``gap > 1.0 eV``, ``1.1 < gap < 1.7``, ``P(gap > 1.0) > 0.5``, ``P(semiconductor) > 50%``.

    Raises:
        SettingsError: if it is none of these, names another property, or nothing could meet it.
    """
    plain = said.strip().replace("≤", "<=").replace("≥", ">=")
    chance = _CHANCE.fullmatch(plain)
    inner = plain if chance is None else chance["of"].strip()
    bounds, unit = _bounds(name, inner)
    if chance is None:
        if bounds is None:
            raise SettingsError(
                f"{said!r} is not a requirement: write '> 1.0', '1.1 < {name} < 1.7', 'P({name} > 1.0) > 0.5', or of classes "
                f"'P(CLASS) > 0.5'"
            )
        return Requirement(name, _spelled(name, bounds, unit), bounds=bounds, unit=unit)
    p = float(chance["number"]) / (100.0 if chance["percent"] else 1.0)
    wanted = _one_sided(chance["sign"], p)
    if not 0 <= p <= 1 or not wanted.hold(np.linspace(0, 1, 3)).any():
        raise SettingsError(f"{said!r}: a chance lies between 0 and 1")
    of = _spelled(name, bounds, unit) if bounds is not None else inner
    return Requirement(
        name,
        f"P({of}) {chance['sign']} {p:g}",
        bounds=bounds,
        unit=unit,
        of="" if bounds is not None else inner,
        chance=wanted,
    )


def unit_of(reason: str, units: Mapping[str, str]) -> str:
    """Unit of value and threshold behind a requirement's reason; ``units`` are the properties' own, by name."""
    said = detail_of(reason)
    return CHANCE if said.startswith("P(") else next((units[word] for word in said.split() if word in units), "")


def check_requirements(required: Mapping[str, Mapping[str, str]], properties: Mapping[str, Property]) -> None:
    """Refuse requirements that the ensembles at hand can't tell of.

    Args:
        required: requirements as written, by the gate's stage and property.
        properties: by name.

    Raises:
        SettingsError: naming stage and property.
    """
    for stage, by_name in required.items():
        unknown = sorted(set(by_name) - set(properties))
        if unknown:
            known = listed(sorted(properties)) if properties else "there are none"
            raise SettingsError(
                f"the gate of stage {stage} requires properties that no ensemble predicts: {listed(unknown)}; name an "
                f"ensemble of each in 'properties' ({known})"
            )
        for name, said in by_name.items():
            read_requirement(name, said).check(properties[name])


def _bounds(name: str, said: str) -> tuple[Bounds | None, str]:
    """Bounds of a number, and their unit; None where these words compare nothing."""
    found = _ONE_SIDED.fullmatch(said)
    if found is not None:
        _check_name(name, found["name"], said)
        return _one_sided(found["sign"], float(found["number"])), (found["unit"] or "").strip()
    found = _WINDOW.fullmatch(said)
    if found is None:
        return None, ""
    _check_name(name, found["name"], said)
    first, second = found["from"], found["to"]
    if first[0] != second[0]:
        raise SettingsError(f"{said!r} has no inside: write '1.1 < {name} < 1.7'")
    ends = ((float(found["low"]), len(first) > 1), (float(found["high"]), len(second) > 1))
    (low, with_low), (high, with_high) = ends if first[0] == "<" else ends[::-1]
    if not low < high:
        raise SettingsError(f"{said!r}: nothing lies between {low:g} and {high:g}")
    return Bounds(low, high, (with_low, with_high)), (found["unit"] or "").strip()


def _one_sided(sign: str, number: float) -> Bounds:
    closed = len(sign) > 1
    return Bounds(low=number, closed=(closed, False)) if sign[0] == ">" else Bounds(high=number, closed=(False, closed))


def _check_name(name: str, said: str | None, text: str) -> None:
    if said is not None and said != name:
        raise SettingsError(f"{text!r} is about {said}, and stands under {name}")


def _spelled(name: str, bounds: Bounds, unit: str) -> str:
    """``gap > 1 eV``, ``1.1 < gap <= 1.7 eV``."""
    low, high = ("<=" if closed else "<" for closed in bounds.closed)
    behind = f" {unit}" if unit else ""
    if np.isinf(bounds.high):
        return f"{name} {'>=' if bounds.closed[0] else '>'} {bounds.low:g}{behind}"
    below = f"{name} {high} {bounds.high:g}{behind}"
    return below if np.isinf(bounds.low) else f"{bounds.low:g} {low} {below}"
