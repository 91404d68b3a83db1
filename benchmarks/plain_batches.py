"""Crystals as :mod:`benchmarks.published_cgat` reads them: every atom, every edge, every pair of elements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from aiida_mlhull.science.models.cgat import CGATSettings
from aiida_mlhull.science.representations.crystal_graph import plain_graphs
from aiida_mlhull.science.representations.shell_graph import shell_numbers
from aiida_mlhull.science.types import Crystals


@dataclass(frozen=True, eq=False)
class PlainBatch:
    """B crystals with N atoms, M edges, and K elements with P pairs of them in the compositions.

    Attributes:
        numbers: (N,) atomic numbers.
        centers: (M,) atom that listens.
        others: (M,) atom that it listens to.
        shells: (M,).
        crystals: (N,) crystal of every atom.
        elements: (K,) atomic numbers of the compositions.
        fractions: (K,).
        compositions: (K,) crystal of every element.
        listeners: (P,) element that listens, each to all elements of its crystal.
        heard: (P,).
        size: B.
    """

    numbers: Tensor
    centers: Tensor
    others: Tensor
    shells: Tensor
    crystals: Tensor
    elements: Tensor
    fractions: Tensor
    compositions: Tensor
    listeners: Tensor
    heard: Tensor
    size: int


def plain_batch(crystals: Crystals, settings: CGATSettings, *, precision: torch.dtype = torch.float32) -> PlainBatch:
    """All of these crystals as one batch."""
    graphs = plain_graphs(crystals, neighbors=settings.neighbors)
    first = np.repeat(graphs.node_offsets[:-1], graphs.n_edges)
    elements, fractions, compositions, listeners, heard = [], [], [], [], []
    for index in range(len(crystals)):
        counts = crystals.element_counts(index)
        places = range(len(elements), len(elements) + len(counts))
        listeners += [place for place in places for _ in places]
        heard += list(places) * len(counts)
        elements += list(counts)
        fractions += [count / sum(counts.values()) for count in counts.values()]
        compositions += [index] * len(counts)
    return PlainBatch(
        numbers=torch.tensor(crystals.numbers.astype(np.int64)),
        centers=torch.tensor(graphs.centers + first),
        others=torch.tensor(graphs.others + first),
        shells=torch.tensor(shell_numbers(graphs, gap=settings.shell_gap)),
        crystals=torch.tensor(np.repeat(np.arange(len(crystals)), crystals.n_sites)),
        elements=torch.tensor(elements),
        fractions=torch.tensor(fractions, dtype=precision),
        compositions=torch.tensor(compositions),
        listeners=torch.tensor(listeners),
        heard=torch.tensor(heard),
        size=len(crystals),
    )
