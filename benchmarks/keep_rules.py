"""Keep-rules on made-up ternaries whose truth is known, with σ right, half and double.

    python -m benchmarks.keep_rules --json | --markdown

Every campaign is one ternary system: a smooth mixing energy, scatter from compound to compound and
polymorphs above it. Half of the compositions are known, the rest are candidates. The ensemble's prediction is
drawn first and the truth around it, as for a calibrated regression: the residual is normal, its σ differs
from row to row and is known to the ensemble, and 60 % of its variance is common to chemically similar
rows. "Half" and "double" are the σ that the ensemble states where the true one is 1.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.hull.sampling import pair_vectors
from aiida_mlhull.science.metrics import score_rules
from aiida_mlhull.science.representations.composition import fraction_matrix, reduce_formula
from aiida_mlhull.science.triage import RULES
from aiida_mlhull.science.types import Decisions, Predictions, References

ELEMENTS: Final = ("Hf", "Zn", "N")
CAMPAIGNS: Final = 30
POLYMORPHS: Final = 3
KNOWN: Final = 0.5
MEDIAN_SIGMA: Final = 0.06
COMMON: Final = 0.6
MEMBERS: Final = 5
CORE_MINUTES: Final = 540.0
SAID: Final = {"right": 1.0, "half": 0.5, "double": 2.0}

Rules = dict[str, tuple[str, dict[str, Any]]]


@dataclass(frozen=True)
class Campaign:
    """One made-up ternary."""

    known: References
    truth: References
    said: np.ndarray
    sigma: np.ndarray
    wobble: np.ndarray

    def predictions(self, factor: float) -> Predictions:
        """The ensemble's predictions, with σ scaled by ``factor``; half of the variance is between members."""
        share = self.sigma * factor / np.sqrt(2.0)
        spread = self.wobble - self.wobble.mean(axis=1, keepdims=True)
        spread /= spread.std(axis=1, keepdims=True)
        return Predictions(
            ids=self.truth.ids,
            formulas=self.truth.formulas,
            members=self.said[:, None] + share[:, None] * spread,
            member_aleatoric=np.repeat(share[:, None], MEMBERS, axis=1),
        )


def make_campaign(rng: np.random.Generator) -> Campaign:
    """Draw the truth and the errors."""
    grid = [(a, b, c) for a in range(9) for b in range(9) for c in range(9) if (a > 0) + (b > 0) + (c > 0) > 1]
    names = sorted({"".join(f"{e}{n}" for e, n in zip(ELEMENTS, row, strict=True) if n) for row in grid})
    names = sorted({reduce_formula(name).formula for name in names})
    picked = sorted(rng.choice(names, size=240, replace=False).tolist())
    x = fraction_matrix(picked, ELEMENTS)
    smooth = -1.2 * x[:, 0] * x[:, 2] - 0.5 * x[:, 1] * x[:, 2] - 0.3 * x[:, 0] * x[:, 1]
    lowest = smooth + rng.normal(0.0, 0.05, len(picked))
    is_known = rng.random(len(picked)) < KNOWN
    known_names = [*ELEMENTS, *np.asarray(picked)[is_known].tolist()]
    known = References.from_rows(
        ids=[f"known-{name}" for name in known_names],
        formulas=known_names,
        energies=np.concatenate([np.zeros(3), lowest[is_known]]),
    )
    formulas = np.repeat(np.asarray(picked)[~is_known], POLYMORPHS)
    above = rng.exponential(0.06, (int((~is_known).sum()), POLYMORPHS))
    above[:, 0] = 0.0
    said = np.repeat(lowest[~is_known], POLYMORPHS) + above.ravel()
    sigma = MEDIAN_SIGMA * rng.lognormal(0.0, 0.4, len(said))
    pairs = pair_vectors(formulas.tolist())
    common = pairs @ rng.standard_normal(pairs.shape[1])
    residual = sigma * (np.sqrt(COMMON) * common + np.sqrt(1.0 - COMMON) * rng.standard_normal(len(said)))
    truth = References.from_rows(
        ids=[f"c-{i:04d}" for i in range(len(formulas))], formulas=formulas, energies=said + residual
    )
    return Campaign(known, truth, said, sigma, rng.standard_normal((len(said), MEMBERS)))


def rules_for(campaign: Campaign) -> Rules:
    """Name to rule and settings."""
    oracle = dict(zip(campaign.truth.ids.tolist(), campaign.truth.energies.tolist(), strict=True))
    fifth = len(campaign.truth) // 5
    return {
        "two_sigma": ("two_sigma", {}),
        "two_sigma, k = 1": ("two_sigma", {"k": 1.0}),
        "probability, p = 0.02": ("probability", {"p": 0.02}),
        "probability, p = 0.1": ("probability", {"p": 0.1}),
        "recall_target, α = 0.05": ("recall_target", {"alpha": 0.05}),
        "recall_target, α = 0.01": ("recall_target", {"alpha": 0.01}),
        "discovery": ("discovery", {}),
        "competing": ("competing", {}),
        "sigma_adjusted": ("sigma_adjusted", {}),
        "top_n, a fifth": ("top_n", {"n": fifth}),
        "budget, a fifth, by improvement": ("budget", {"core_minutes": fifth * CORE_MINUTES, "by": "improvement"}),
        "committee of 3 + 2, union": ("committee", {"sizes": (3, 2)}),
        "committee of 3 + 2, intersection": ("committee", {"sizes": (3, 2), "combine": "intersection"}),
        "random, a fifth": ("random", {"fraction": 0.2}),
        "oracle": ("oracle", {"energies": oracle}),
    }


def decide(campaign: Campaign, factor: float, *, seed: int) -> dict[str, Decisions]:
    """The decisions of every rule."""
    predictions = campaign.predictions(factor)
    made = {
        name: RULES[rule](RULES[rule].Settings(**settings)) for name, (rule, settings) in rules_for(campaign).items()
    }
    return {name: rule.decide(predictions, campaign.known, seed=seed) for name, rule in made.items()}


def run(*, campaigns: int, seed: int) -> list[dict[str, Any]]:
    """One row for every σ and rule: means over the campaigns, recall and precision of the pooled counts."""
    made = [make_campaign(np.random.default_rng([seed, number])) for number in range(campaigns)]
    rows = []
    for said, factor in SAID.items():
        pooled: dict[str, list[dict[str, Any]]] = {}
        for number, campaign in enumerate(made):
            decisions = decide(campaign, factor, seed=number)
            scores = score_rules(decisions, campaign.truth, campaign.known, core_minutes_each=CORE_MINUTES)
            for score in scores:
                pooled.setdefault(score.rule, []).append(asdict(score))
        for name in rules_for(made[0]):
            found = pooled[name]
            kept = sum(score["kept"] for score in found)
            hits = sum(round(score["precision"] * score["kept"]) for score in found if score["kept"])
            stable = sum(round(score["precision"] * score["kept"]) for score in pooled["oracle"])
            rows.append(
                {
                    "sigma": said,
                    "rule": name,
                    "kept": kept / sum(len(campaign.truth) for campaign in made),
                    "recall": hits / stable,
                    "precision": hits / kept if kept else float("nan"),
                }
            )
    return rows


def as_markdown(rows: list[dict[str, Any]]) -> str:
    """One line a rule, three columns a σ."""
    names = list(dict.fromkeys(row["rule"] for row in rows))
    lines = ["| rule | " + " | ".join(f"σ {said}: kept | recall | precision" for said in SAID) + " |"]
    lines.append("|---" * (1 + 3 * len(SAID)) + "|")
    for name in names:
        cells = [
            f"{row['kept']:.1%} | {row['recall']:.3f} | {row['precision']:.3f}"
            for said in SAID
            for row in rows
            if row["rule"] == name and row["sigma"] == said
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--markdown", action="store_true", help="a table for the documentation")
    parser.add_argument("--campaigns", type=int, default=CAMPAIGNS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows = run(campaigns=options.campaigns, seed=options.seed)
    print(json.dumps({"campaigns": options.campaigns, "rows": rows}) if options.json else as_markdown(rows))


if __name__ == "__main__":
    main()
