"""A campaign on published results, run in this process and held against the truth."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import click

from aiida_mlhull.cli import run, text
from aiida_mlhull.graph import results
from aiida_mlhull.launching import inputs

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.launching.inputs import Given
    from aiida_mlhull.science.metrics.campaign import CampaignScores, RecallCurve
    from aiida_mlhull.science.types import References

KEYS: Final = (
    "n_candidates",
    "n_trained_on",
    "n_relaxed",
    "n_true_on_hull",
    "n_true_within_25mev",
    "recall_on_hull",
    "recall_25mev",
    "precision",
    "hull_error_mean_mev",
    "hull_error_max_mev",
    "relaxations_saved_fraction",
    "core_minutes",
    "hull_matches",
)
"""Scores that a replay writes; others go under ``details``."""


@dataclass(frozen=True)
class Retrospect:
    """A finished campaign with its scores.

    Attributes:
        node: of the campaign.
        scores: against the truth.
        curve: what had been found after ever more relaxations.
        seconds: from the first node to the last.
    """

    node: orm.ProcessNode
    scores: CampaignScores
    curve: RecallCurve
    seconds: float

    def to_json(self, **details: Any) -> dict[str, Any]:
        """Scores by name, seconds, and whatever else is worth keeping."""
        scores = {name: _plain(value) for name, value in asdict(self.scores).items()}
        rest = {name: value for name, value in scores.items() if name not in KEYS}
        return {
            **{name: scores[name] for name in KEYS},
            "seconds": round(self.seconds, 1),
            "details": {**details, **rest, "campaign": self.node.pk},
        }


def look_back(
    found: Given, *, protocol: str, overrides: Mapping[str, Any], processes: int | None = None, by_daemon: bool = False
) -> Retrospect:
    """Run a campaign whose record is known, and score it.

    Args:
        found: candidates with their record, and references.
        protocol: name of the protocol.
        overrides: what is different from it.
        processes: jobs at the same time; as many as there are cores if None.
        by_daemon: whether the daemon runs it; else this process does.

    Raises:
        click.ClickException: if the campaign fails.
        click.Abort: if it is interrupted.
    """
    from aiida.engine import submit

    from aiida_mlhull.launching.codes import ready_program
    from aiida_mlhull.science.campaign import campaign_settings

    begun = time.time()
    at_once = processes or os.cpu_count() or 1
    members = campaign_settings(overrides, protocol=protocol).ensemble.members
    # Starting a job takes longer than fitting a member: every process fits its share in one job.
    jobs = {"max_in_flight": at_once, "members_per_job": -(-members // at_once)}
    made = inputs.nodes(found)
    builder = inputs.builder(made, protocol=protocol, overrides=overrides, code=ready_program(), jobs=jobs)
    inputs.store(made)
    node = run.follow(submit(builder)) if by_daemon else run.run_here(builder)
    run.require_success(node)
    return score(node, found, seconds=time.time() - begun)


def score(node: orm.ProcessNode, found: Given, *, seconds: float) -> Retrospect:
    """Hold a campaign that has ended against the record."""
    from aiida_mlhull.science.metrics.campaign import campaign_scores, recall_curve
    from aiida_mlhull.science.types.reasons import Reason, code_of, detail_of

    truth = truth_of(found)
    verdicts, done = results.verdicts(node), results.results(node)
    order, first = results.relaxation_order(node)
    same = {
        str(name): detail_of(reason)
        for name, reason in zip(verdicts.ids.tolist(), verdicts.reasons.tolist(), strict=True)
        if code_of(reason) == Reason.SAME_AS
    }
    models = sum(job.core_minutes for job in results.model_costs(node.pk))
    scores = campaign_scores(
        truth,
        found.references,
        relaxed=order,
        trained_on=order[:first],
        failed=done.ids[~done.succeeded].tolist(),
        merged=same,
        core_minutes=node.outputs.summary["core_minutes"] + models,
    )
    curve = recall_curve(truth, found.references, order=order)
    return Retrospect(node=node, scores=scores, curve=curve, seconds=seconds)


def truth_of(found: Given) -> References:
    """All candidates with their published energies."""
    from aiida_mlhull.science.types import References

    record = found.record
    assert record is not None
    return References(
        ids=record.ids,
        formulas=record.formulas,
        energies=record.energies,
        source=found.candidates.source,
        scheme=found.references.scheme,
    )


def with_scheme(found: Given, scheme: str) -> Given:
    """The same with references and record said to be of another scheme."""
    record = None if found.record is None else replace(found.record, scheme=scheme)
    return replace(found, references=replace(found.references, scheme=scheme), record=record)


def tell(outcome: Retrospect) -> str:
    """The scores for people."""
    s = outcome.scores
    verdict = "is the full one" if s.hull_matches else "differs from the full one"
    return "Against the truth\n" + text.pairs(
        [
            (
                "relaxed",
                f"{s.n_relaxed:,} of {s.n_candidates:,}, {s.n_trained_on:,} of them before any model was asked",
            ),
            ("relaxations saved", f"{s.relaxations_saved_fraction:.1%}"),
            ("found on the hull", f"{s.recall_on_hull:.1%} of {s.n_true_on_hull}"),
            ("found within 25 meV/atom", f"{s.recall_25mev:.1%} of {s.n_true_within_25mev}"),
            ("precision", f"{s.precision:.1%} of the relaxed are on the hull"),
            (
                "final hull",
                f"{verdict}: mean difference {s.hull_error_mean_mev:.2f}, largest {s.hull_error_max_mev:.2f} meV/atom",
            ),
            ("core-minutes", text.core_minutes(s.core_minutes)),
            ("wall time", text.about(outcome.seconds)),
        ]
    )


def say(lines: Sequence[str]) -> None:
    """Print remarks, one a line."""
    for line in lines:
        click.echo(line)


def _plain(value: Any) -> Any:
    """NaN, where there was nothing to find, is no JSON."""
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124
