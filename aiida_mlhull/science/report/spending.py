"""What a campaign has cost, and the energy that this took."""

from __future__ import annotations

from typing import Any

from aiida_mlhull.science.report.material import Spending
from aiida_mlhull.science.units import SECONDS_PER_MINUTE

WATTS_PER_KILOWATT = 1000.0
MINUTES_PER_HOUR = SECONDS_PER_MINUTE
"""As many minutes make an hour as seconds a minute."""


def spending(spent: Spending, *, watts_per_core: float | None) -> dict[str, Any]:
    """The ledger as JSON; with kilowatt hours where it is known what a core draws.

    Args:
        spent: what the graph has booked.
        watts_per_core: W; None leaves energies out.
    """
    rows = [dict(row) for row in spent.ledger]
    for row in rows:
        row["failed_core_minutes"] = _of_failed(row)
        if watts_per_core is not None:
            row["kwh"] = kilowatt_hours(row["core_minutes"], watts_per_core)
    found: dict[str, Any] = {
        "ledger": rows,
        "spent": spent.spent,
        "without": spent.without,
        "saved": spent.saved,
        "saved_core_minutes": spent.without - spent.spent,
        "cached": spent.cached,
        "watts_per_core": watts_per_core,
    }
    if watts_per_core is not None:
        found["kwh"] = kilowatt_hours(spent.spent, watts_per_core)
        found["kwh_saved"] = kilowatt_hours(spent.without - spent.spent, watts_per_core)
    return found


def kilowatt_hours(core_minutes: float, watts_per_core: float) -> float:
    """Energy in kWh that so many core-minutes take."""
    return core_minutes / MINUTES_PER_HOUR * watts_per_core / WATTS_PER_KILOWATT


def _of_failed(row: dict[str, Any]) -> float | None:
    """Core-minutes of the failed runs of a stage; None for jobs of models, of which only good ones are booked."""
    value = row.get("failed_core_minutes")
    return None if value is None else float(value)
