"""``aiida-mlhull spend``: expensive labels or cheap ones for pre-training, given both learning curves."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

CURVE = "N:ERROR,N:ERROR,..."


@click.command()
@click.option("--expensive", required=True, metavar=CURVE, help="Errors over the number of expensive labels.")
@click.option("--cheap", required=True, metavar=CURVE, help="Errors over the number of cheap labels.")
@click.option("--have", required=True, nargs=2, type=float, metavar="N M", help="Expensive and cheap labels at hand.")
@click.option("--budget", required=True, type=float, help="Core-hours to spend.")
@click.option("--cost", required=True, type=float, help="Core-hours of one expensive label.")
@click.option("--cost-ratio", required=True, type=float, help="Cost of an expensive label over that of a cheap one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def spend(
    *,
    expensive: str,
    cheap: str,
    have: tuple[float, float],
    budget: float,
    cost: float,
    cost_ratio: float,
    as_json: bool,
) -> None:
    """Share core-hours out between expensive labels and cheap ones to pre-train on.

    Both learning curves are of the error of the same, wanted quantity: 'learning-curve' gives them. Labels at hand
    may be a hundred of r2SCAN and thousands of PBE, or of full and of volume relaxations.
    """
    from aiida_mlhull.science.metrics import spend as share_out
    from aiida_mlhull.science.metrics.learning import read_power_law
    from aiida_mlhull.science.metrics.words import spending_in_words

    curves = read_power_law(expensive), read_power_law(cheap)
    plan = share_out(*curves, have=have, budget=budget, cost=cost, cost_ratio=cost_ratio)
    if as_json:
        click.echo(json.dumps(asdict(plan)))
        return
    click.echo(spending_in_words(plan))
