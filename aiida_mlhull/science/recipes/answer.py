"""Recommended reactions as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aiida_mlhull.science.recipes.air import GasReaction
from aiida_mlhull.science.tables import text
from aiida_mlhull.science.types.recipes import Reactions
from aiida_mlhull.science.units import MEV_PER_EV


def describe(table: Reactions) -> str:
    """The answer for one target as text."""
    if not len(table):
        return "no combination of these precursors gives the target: allow other elements with --with"
    rows = []
    for i in range(len(table)):
        spread = table.gamma_std[i]
        rows.append(
            (
                i + 1,
                table.equations[i],
                mev(table.reaction_energies[i]),
                "yes" if table.deepest[i] else "no",
                mev(table.inverse_hull[i]),
                mev(table.primary[i]) + _interval(table, i),
                mev(table.secondary[i]),
                mev(table.gamma[i]) + ("" if spread != spread else f" ± {mev(spread)}"),  # noqa: PLR0124  (NaN)
                table.competing[i] or "-",
                _published(table, i),
                *_expected(table, i),
            )
        )
    headers = ["", "reaction", "ΔE", "deepest", "inv. hull", "C1", "C2", "Γ", "competing", "published"]
    headers += [] if table.predicted is None else ["expected"]
    lines = [
        f"{table.formulas[0]}: {table.conditions}; by {table.ranking}; meV per atom of reactants",
        text.table(headers, rows),
    ]
    if table.decisive[0]:
        lines.append(f"relaxing {table.decisive[0]} would be most likely to change this order")
    return "\n".join(lines)


def describe_air(tested: Sequence[GasReaction]) -> str:
    """What each gas of the air does to a phase, one line per gas."""
    rows = [
        (
            one.gas,
            f"{one.pressure:g}",
            "-" if one.note else ("yes" if one.reacts else "no"),
            mev(one.energy),
            one.note or one.equation or "-",
        )
        for one in tested
    ]
    return text.table(("gas", "bar", "reacts", "meV/atom", "reaction"), rows)


def _expected(table: Reactions, i: int) -> list[str]:
    """What published syntheses make of these precursors, and how far that is from the target."""
    if table.predicted is None or table.predicted_distance is None:
        return []
    return [f"{table.predicted[i]} ({table.predicted_distance[i]:.1f})"]


def _interval(table: Reactions, i: int) -> str:
    """From the 5 % to the 95 % quantile of C1, where energies are uncertain."""
    low, high = table.primary_low, table.primary_high
    return "" if low is None or high is None or np.isnan(low[i]) else f" ({mev(low[i])} to {mev(high[i])})"


def mev(value: float) -> str:
    """MeV out of eV, a dash where there is none."""
    return "-" if value != value else f"{MEV_PER_EV * value:.1f}"  # noqa: PLR0124  (NaN)


def _published(table: Reactions, i: int) -> str:
    count = table.precedents[i]
    if not count > 0:
        return "-" if count != count or not table.nearest[i] else f"none (nearest {table.nearest[i]})"  # noqa: PLR0124
    heated = "" if table.temperatures[i] != table.temperatures[i] else f", {table.temperatures[i]:.0f} K"
    whole = "" if table.hours[i] != table.hours[i] else f" {table.hours[i]:g} h"
    return f"{count:.0f} for {table.nearest[i]}{heated}{whole}, {table.published[i]}"
