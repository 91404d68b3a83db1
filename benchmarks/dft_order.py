"""How far a cheaper stage alone leads in the record on real DFT: no network, no trees, one number per element.

    python -m benchmarks.dft_order --json [--labels N]

N candidates at random go through the last stage; what an energy of the cheaper stage lacks to theirs is fitted by element;
the others follow in the order of their corrected energies above the hull of themselves and the elements. Counted is after
how many relaxations of the last stage all rows on its hull have been found, over many random starts.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from aiida_mlhull.science.hull import hull_energies
from aiida_mlhull.science.representations.composition import fraction_matrix
from aiida_mlhull.science.types import References
from aiida_mlhull.science.units import ON_HULL_TOLERANCE

RESULTS: Final = Path(__file__).parent / "data" / "dft_al_mg_si"
STARTS: Final = 200
NEAR: Final = 0.025
"""eV/atom."""


def distances(formulas: list[str], energies: Any, elements: dict[str, float]) -> Any:
    """(n,) eV/atom above the hull of the elements and all rows."""
    known = References.from_rows(
        ids=[*elements, *(f"row {index}" for index in range(len(formulas)))],
        formulas=[*elements, *formulas],
        energies=[*elements.values(), *energies],
    )
    return energies - hull_energies(np.asarray(formulas), known)


def relaxations(guess: Any, final: Any, formulas: list[str], elements: dict[str, float], *, labels: int) -> Any:
    """(starts, 3): mean error (eV/atom) of rows unseen, relaxations until all on the hull, and all near it, are found."""
    above = distances(formulas, final, elements)
    shares = fraction_matrix(formulas, tuple(elements))
    found = []
    for seed in range(STARTS):
        start = np.random.default_rng(seed).choice(len(final), labels, replace=False)
        correction = np.linalg.lstsq(shares[start], (final - guess)[start], rcond=None)[0]
        corrected = guess + shares @ correction
        rest = np.setdiff1d(np.argsort(distances(formulas, corrected, elements)), start, assume_unique=True)
        order = np.concatenate([start, rest])
        place = np.empty(len(order), dtype=int)
        place[order] = 1 + np.arange(len(order))
        reached = [max(labels, place[above <= limit].max()) for limit in (ON_HULL_TOLERANCE, NEAR)]
        found.append([np.abs(corrected - final)[rest].mean(), *reached])
    return np.asarray(found)


def unseen(guess: Any, final: Any, formulas: list[str], elements: dict[str, float]) -> tuple[float, float]:
    """Mean error (eV/atom) of each row corrected by all others, and Spearman's rank correlation of the distances."""
    shares = fraction_matrix(formulas, tuple(elements))
    corrected = np.empty(len(final))
    for row in range(len(final)):
        others = np.arange(len(final)) != row
        correction = np.linalg.lstsq(shares[others], (final - guess)[others], rcond=None)[0]
        corrected[row] = guess[row] + shares[row] @ correction
    ranks = spearmanr(distances(formulas, corrected, elements), distances(formulas, final, elements))
    return float(np.abs(corrected - final).mean()), float(ranks.statistic)


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--json", action="store_true", help="print JSON (there is nothing else to print)")
    parser.add_argument("--labels", type=int, default=10, help="so many at random first")
    asked = parser.parse_args()
    rows = pd.read_parquet(RESULTS / "stages.parquet").query("failure == ''")
    table = rows.pivot_table(index=["id", "formula"], columns="stage", values="energy_per_atom_ev").dropna()
    formulas = table.index.get_level_values("formula").astype(str).tolist()
    elements = json.loads((RESULTS / "summary.json").read_text())["references_ev_per_atom"]
    told: dict[str, Any] = {"benchmark": "dft_order", "rows": len(table), "labels": asked.labels, "starts": STARTS}
    for stage in ("potential", "coarse"):
        found = relaxations(table[stage].to_numpy(), table["final"].to_numpy(), formulas, elements, labels=asked.labels)
        error, ranks = unseen(table[stage].to_numpy(), table["final"].to_numpy(), formulas, elements)
        told[stage] = {
            "unseen": {"mean_error_mev": round(1000 * error, 1), "rank_correlation": round(ranks, 3)},
            "mean_error_mev": round(1000 * float(found[:, 0].mean()), 1),
            "until_hull": [int(np.quantile(found[:, 1], share)) for share in (0.5, 0.9, 1)],
            "until_near": [int(np.quantile(found[:, 2], share)) for share in (0.5, 0.9, 1)],
        }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
