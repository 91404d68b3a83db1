"""Draws and their cleaning, shard by shard: labels without cells are what is left of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Final

from aiida_mlhull.science.cleaning.clean import CleaningSettings, clean
from aiida_mlhull.science.cleaning.funnel import FunnelStep, funnel_steps
from aiida_mlhull.science.generators.base import GeneratorInput
from aiida_mlhull.science.generators.substitution import Substitution
from aiida_mlhull.science.prospecting.stages import FACTS, Stages
from aiida_mlhull.science.tables.writing import Shard
from aiida_mlhull.science.types import Candidates, Decisions, concatenate

SHARDS: Final = "shard"
"""How names of shards begin. What was left out while drawing is written last: with it a shard is whole."""
LEFT_OUT: Final = "left_out"
ALL_DRAWN: Final = "all_drawn"


def sound_labels(
    generator: Substitution, start: GeneratorInput, limits: CleaningSettings, *, seed: int, stages: Stages
) -> tuple[Candidates, dict[str, int], list[tuple[str, int, int]]]:
    """What of the draws passes all filters, as labels.

    Args:
        generator: that draws.
        start: what it draws from.
        limits: of the filters.
        seed: of all draws.
        stages: where shards are kept, and taken from if they are there.

    Returns:
        Candidates; draws that came to nothing, by reason; the funnel: name, rows that met the filter, rows it dropped.
    """
    drawn, decided, left_out = list[Candidates](), list[Decisions](), Counter[str]()
    for rows, sound, lost in _shards(generator, start, limits, seed=seed, stages=stages):
        drawn.append(rows.take(sound.keep))
        decided.append(sound)
        left_out.update(lost)
    labels = concatenate(drawn)
    [unlike] = clean([labels], settings=limits)
    steps = [(step.name, step.entered, step.dropped) for step in _funnel(decided, unlike)]
    return labels.take(unlike.keep), dict(left_out), steps


def _shards(
    generator: Substitution, start: GeneratorInput, limits: CleaningSettings, *, seed: int, stages: Stages
) -> Iterator[tuple[Candidates, Decisions, dict[str, int]]]:
    """Labels, what the filters of cells and single labels say of them, and what was left out while drawing."""
    known = start.required_crystals().protostructures.tolist()
    # Filters that look at cells first; the labels of all rows meet when all are there.
    alone = limits.model_copy(update={"one_per_label": False, "one_per_crystal": False})

    def made(number: int, shard: Shard | None) -> tuple[Candidates, Decisions, dict[str, int]]:
        name = f"{SHARDS}_{number:04d}"
        if shard is None:
            return (
                stages.table(f"{name}_labels", Candidates, None),
                stages.table(f"{name}_cleaned", Decisions, None),
                stages.facts(f"{name}_{LEFT_OUT}", None),
            )
        rows = shard.candidates
        return (
            stages.table(f"{name}_labels", Candidates, lambda: replace(rows, crystals=None)),
            stages.table(f"{name}_cleaned", Decisions, lambda: clean([rows], settings=alone, known=known)[0]),
            stages.facts(f"{name}_{LEFT_OUT}", lambda: dict(shard.left_out)),
        )

    earlier = []
    for number in count():
        if not stages.has(f"{SHARDS}_{number:04d}_{LEFT_OUT}{FACTS}"):
            break
        there = made(number, None)
        earlier.append(there[0].ids)
        yield there
    if stages.has(ALL_DRAWN + FACTS):
        return
    shards = generator.shards(start, seed=seed, earlier=earlier)
    for number, shard in enumerate(shards, start=len(earlier)):
        yield made(number, shard)
    stages.facts(ALL_DRAWN, lambda: True)


def _funnel(alone: Sequence[Decisions], together: Decisions) -> Iterator[FunnelStep]:
    """The steps of both passes as one funnel: a filter drops rows in one of them only."""
    first, second = funnel_steps(alone), funnel_steps([together])
    entered = first[0].entered
    for one, other in zip(first, second, strict=True):
        step = replace(one, entered=entered, dropped=one.dropped + other.dropped)
        yield step
        entered = step.left
