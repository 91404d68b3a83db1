"""The scores of a replay in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida_mlhull.launching.replay import Replay


def describe(outcome: Replay) -> str:
    """The scores of a replay, for people."""
    s = outcome.scores
    same = "is the full one" if s.hull_matches else "differs from the full one"
    return (
        "Against the truth\n"
        + text.pairs(
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
                    f"{same}: mean difference {s.hull_error_mean_mev:.2f}, largest {s.hull_error_max_mev:.2f} meV/atom",
                ),
                ("core-minutes", text.core_minutes(s.core_minutes)),
                *(
                    [("of all full chains", f"{share:.1%}")]
                    if (share := outcome.full_chains_fraction) is not None
                    else []
                ),
                ("wall time", text.about(outcome.seconds)),
                *_claimed(outcome.promise),
            ]
        )
        + "\n\nFound, in other ways of counting\n"
        + text.table(
            ("", "on the hull", "within 25 meV/atom"),
            [
                (name, *(f"{n:,} of {of:,}" for n, of in (by["on_hull"], by["within_25mev"])))
                for name, by in outcome.counts.items()
            ],
        )
    )


def _claimed(promise: dict[str, Any] | None) -> list[tuple[str, str]]:
    if promise is None:
        return []
    return [
        ("claimed by the models", f"{promise['claim']:.1%} within the rule's window, in truth {promise['truth']:.1%}")
    ]
