"""CGCNN on perovskites, with full and with linear pooling, and what every element contributes by site.

    python -m benchmarks.perovskites --json [--members 3] [--model-settings '{"preset": "paper"}'] [--loss l2]
        [--picture site-energies.png]

Heats of formation of ABX3 crystals (Castelli et al., Energy Environ. Sci. 5 (2012) 5814), eV/atom: the published
table where it is at hand (see ``benchmarks/places.py``), else an excerpt. A fifth is set aside by row. With linear
pooling, a prediction is the mean over sites of what they contribute
(:meth:`~aiida_mlhull.science.models.cgcnn.CGCNN.site_contributions`); printed and drawn is the mean of that over all
crystals of the table, by element, for the sites A (12 anions around) and B (6), as in Fig. 3 of Xie and Grossman,
Phys. Rev. Lett. 120 (2018) 145301.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from aiida_mlhull.science.ensembles import EnsembleSettings
from aiida_mlhull.science.ensembles.learning import split_rows
from aiida_mlhull.science.metrics.site_averages import SiteAverages, site_averages
from aiida_mlhull.science.models.cgcnn import CGCNN, CGCNNSettings
from aiida_mlhull.science.plots.style import ACCENTS
from aiida_mlhull.science.reading.properties import read_properties
from aiida_mlhull.science.representations.elements import element_table
from aiida_mlhull.science.representations.site_kinds import site_kinds
from aiida_mlhull.science.types import Crystals, EnsembleWeights, TrainingRows
from benchmarks.places import find
from benchmarks.properties import answers, ensemble, progress, scores

TABLE: Final = "perovskites/perov5.parquet"
EXCERPT: Final = Path(__file__).parent / "data" / "perov5_excerpt.parquet"
"""400 rows; sources in ``data/README.md``."""
FEWEST: Final = 5
"""Sites that an average is told of."""


def site_energies(weights: EnsembleWeights, crystals: Crystals) -> SiteAverages:
    """Mean contributions by element and site, of all members together."""
    model = CGCNN(CGCNNSettings(**weights.settings))
    found = np.mean([model.site_contributions(member, crystals) for member in weights.members], axis=0)
    return site_averages(found, crystals.numbers, site_kinds(crystals, "perovskite"))


def told(averages: SiteAverages) -> dict[str, dict[str, float]]:
    """Kind of site to element to mean contribution, eV/atom, ascending; of elements that are there often enough."""
    symbols = element_table().symbols
    result = {}
    for column, kind in enumerate(averages.kinds):
        rows = np.flatnonzero(averages.counts[:, column] >= FEWEST)
        rows = rows[np.argsort(averages.means[rows, column], kind="stable")]
        result[kind] = {
            str(symbols[averages.elements[row]]): round(float(averages.means[row, column]), 3) for row in rows
        }
    return result


def draw(energies: dict[str, dict[str, float]]) -> Figure:
    """Both kinds of cation sites, elements in the order of what they contribute on A."""
    figure = Figure(figsize=(8.4, 3.4), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    order = [element for element in energies["A"] if element in energies["B"]]
    for color, kind, marker in zip(ACCENTS, "AB", "os", strict=False):
        heights = [energies[kind][element] for element in order]
        axes.plot(range(len(order)), heights, marker, markersize=4.5, color=color, label=f"on site {kind}")
    axes.set_xticks(range(len(order)), order, fontsize=7, rotation=90)
    axes.set(ylabel="Mean contribution (eV/atom)", xlim=(-0.8, len(order) - 0.2))
    axes.grid(alpha=0.2, linewidth=0.5)
    axes.legend(frameon=False)
    return figure


def measure(rows: TrainingRows, settings: EnsembleSettings, *, seed: int) -> tuple[dict[str, Any], EnsembleWeights]:
    """Errors on a fifth, and the ensemble."""
    learned, test = split_rows(rows, share=0.2, by="row", seed=seed)
    weights = ensemble(rows.take(np.sort(learned)), settings, seed=seed)
    asked = rows.take(test)
    return {"training_rows": len(learned), "test_rows": len(test), **scores(answers(weights, asked), asked)}, weights


def main() -> None:
    """Print the result as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=1)
    parser.add_argument("--loss", default="l2")
    parser.add_argument("--model-settings", type=json.loads, default={"preset": "paper"}, help="JSON object")
    parser.add_argument("--pooling", nargs="+", choices=["full", "linear"], default=["full", "linear"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", type=Path, help="file to draw the site energies to")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    started = time.perf_counter()
    found = read_properties(find(TABLE) or EXCERPT, target="heat_all_ev", bad_rows="leave_out")
    progress(found.summary())
    result: dict[str, Any] = {"data": found.source, "members": asked.members, "loss": asked.loss, "seed": asked.seed}
    for pooling in asked.pooling:
        settings = EnsembleSettings(
            model="cgcnn", model_settings={**asked.model_settings, "pooling": pooling}, members=asked.members,
            loss=asked.loss, volume_scaling=False, target="heat of formation",
        )  # fmt: skip
        result[pooling], weights = measure(found.rows, settings, seed=asked.seed)
        if pooling == "linear":
            energies = told(site_energies(weights, found.rows.crystals))
            result["site_energies"] = energies
            if asked.picture is not None:
                draw(energies).savefig(asked.picture)
    result["seconds"] = round(time.perf_counter() - started, 1)
    print(json.dumps(result) if asked.json else "\n".join(f"{key}: {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
