"""What came of prospecting, for people: the funnel from draws to what is kept, what that is made of, and scores."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from aiida_mlhull.science.cleaning.funnel import FunnelStep, funnel_in_words
from aiida_mlhull.science.prospecting.known import Known
from aiida_mlhull.science.prospecting.prospect import Prospect, ProspectSettings
from aiida_mlhull.science.prospecting.retrospect import Retrospect
from aiida_mlhull.science.prospecting.statistics import Novelty, Shares, element_shares, novelty, space_group_shares
from aiida_mlhull.science.tables import text

SHOWN: Final = 6
RATES: Final = {
    "rows": "rows",
    "prevalence": "prevalence",
    "precision": "precision",
    "recall": "recall",
    "enrichment": "enrichment",
    "f1": "F1",
}


def novelty_of_kept(found: Prospect, known: Known) -> Novelty:
    """What is new about the candidates that are kept."""
    kept = found.kept
    return novelty(kept.protostructures, kept.formulas, known.crystals.protostructures, known.references.formulas)


def whole_funnel(found: Prospect, settings: ProspectSettings) -> str:
    """From the draws through every filter to what the rule keeps."""
    steps, left = [], sum(found.left_out.values()) + found.funnel[0][1]
    for reason, dropped in sorted(found.left_out.items(), key=lambda item: (-item[1], item[0])):
        steps.append(FunnelStep(reason.replace("_", " "), left, dropped))
        left -= dropped
    steps += [FunnelStep(*step) for step in found.funnel]
    asked, kept = len(found.decisions), int(found.decisions.keep.sum())
    steps.append(FunnelStep(f"rule {settings.rule}", asked, asked - kept))
    return funnel_in_words(steps)


def in_words(found: Prospect, known: Known, settings: ProspectSettings) -> str:
    """Plan, funnel, and what the kept ones are made of."""
    plan = text.pairs([(what, value) for what, value in found.plan.items() if value is not None])
    parts = [plan, whole_funnel(found, settings)]
    keep = found.decisions.keep
    if keep.any():
        new = novelty_of_kept(found, known)
        parts.append(
            text.pairs(
                [
                    ("kept, in systems with known compounds", new.new_in_known_systems),
                    ("kept, in systems without any", new.new_in_new_systems),
                    ("kept, of kinds that are not known", new.new_kinds),
                    ("elements of the kept", shares_in_words(element_shares(found.candidates.formulas, keep))),
                    (
                        "space groups of the kept",
                        shares_in_words(space_group_shares(found.candidates.protostructures, keep)),
                    ),
                ]
            )
        )
    return "\n\n".join(parts)


def shares_in_words(shares: Shares) -> str:
    """``O 39 % (42), S 9 % (8)``: share of the chosen rows, and in brackets of all."""
    first = list(shares.items())[:SHOWN]
    return ", ".join(f"{name} {100 * here:.0f} % ({100 * there:.0f})" for name, (here, there) in first)


def scores_in_words(scores: Retrospect) -> str:
    """What was found later, of the candidates and of all; both conventions side by side."""
    told, later = scores.rediscovery, scores.later
    batches = ", ".join(
        f"{text.share(share)} of {rows}"
        for share, rows in zip(told["precision_by_batch"], told["rows_by_batch"], strict=True)
    )
    found = text.pairs(
        [
            ("candidates found later", f"{told['found_later']:,} of {told['candidates']:,}"),
            ("kept of them", f"{told['kept_and_found_later']:,}; {told['kept']:,} are kept altogether"),
            ("precision, a lower bound", text.share(told["precision"], digits=4)),
            ("prevalence", text.share(told["prevalence"], digits=4)),
            ("enrichment", text.share(told["enrichment"])),
            ("recall", text.share(told["recall"])),
            ("found by batch, best first", batches or None),
            (
                "area under the curve",
                f"{text.share(told['area'])}; by ΔE alone {text.share(told['area_by_energy_alone'])}",
            ),
            ("the two orders cross over", crossings_in_words(told["lead_changes"])),
        ]
    )
    rates = text.table(("found later", "thesis", "matbench-discovery"), side_by_side(scores), indent="  ")
    rolling = ", ".join(f"{center} eV: {text.share(mae)}" for center, mae in later["rolling_mae"].items())
    errors = text.pairs(
        [("MAE, eV/atom", f"{later['errors']['mae']:.3f}"), ("at a distance from the hull of", rolling)]
    )
    return f"{found}\n\n{rates}\n\n{errors}"


def crossings_in_words(after: list[int]) -> str:
    """After how many calculations another order has found more; the last ones where there are many."""
    if not after:
        return "never"
    told = ", ".join(f"{number:,}" for number in after[-SHOWN:])
    return f"{len(after)} times, after {'...' if len(after) > SHOWN else ''}{told} candidates"


def side_by_side(scores: Retrospect) -> list[tuple[str, Any, Any]]:
    """Row counts and rates: name, by the thesis' definitions, by matbench-discovery's."""
    both = [scores.later[name] | {"rows": scores.later["rows"]} for name in ("thesis", "matbench_discovery")]
    shown = [[one[name] if isinstance(one[name], int) else text.share(one[name]) for name in RATES] for one in both]
    return list(zip(RATES.values(), *shown, strict=True))


def facts(
    found: Prospect, known: Known, settings: ProspectSettings, scores: Retrospect | None = None
) -> dict[str, Any]:
    """The same as plain JSON."""
    keep = found.decisions.keep
    told = {
        "settings": settings.model_dump(mode="json"),
        "remarks": list(known.remarks),
        "plan": found.plan,
        "left_out": found.left_out,
        "funnel": [{"filter": name, "entered": entered, "dropped": dropped} for name, entered, dropped in found.funnel],
        "asked": len(found.decisions),
        "kept": int(keep.sum()),
        "novelty": asdict(novelty_of_kept(found, known)),
        "elements": element_shares(found.candidates.formulas, keep),
        "space_groups": space_group_shares(found.candidates.protostructures, keep),
    }
    return told if scores is None else told | {"found_later": asdict(scores)}
