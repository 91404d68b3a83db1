"""Crystal graphs as ``torch_geometric.data.Data``, out and in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Data

from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.representations.crystal_graph import CrystalGraphs

_LARGEST_COUNT = np.iinfo(np.uint8).max


def to_data(graphs: CrystalGraphs, index: int) -> Data:
    """Graph ``index`` with V nodes and E directed edges.

    Returns:
        ``z`` (V,) atomic numbers, ``multiplicity`` (V,) atoms a node stands for, ``edge_index`` (2, E) from
        neighbor to center, ``edge_distance`` (E,) in Å, ``edge_count`` (E,) neighbors an edge stands for.
    """
    nodes = slice(graphs.node_offsets[index], graphs.node_offsets[index + 1])
    edges = slice(graphs.edge_offsets[index], graphs.edge_offsets[index + 1])
    ends = np.stack([graphs.others[edges], graphs.centers[edges]]).astype(np.int64)
    return Data(
        z=torch.as_tensor(graphs.numbers[nodes].astype(np.int64)),
        multiplicity=torch.as_tensor(graphs.multiplicities[nodes].astype(np.int64)),
        edge_index=torch.as_tensor(ends),
        edge_distance=torch.as_tensor(graphs.distances[edges]),
        edge_count=torch.as_tensor(graphs.counts[edges].astype(np.int64)),
        num_nodes=int(graphs.n_nodes[index]),
    )


def from_data(items: Sequence[Data]) -> CrystalGraphs:
    """Graphs from ``Data`` objects with at least ``z``, ``edge_index`` and ``edge_distance``.

    ``multiplicity`` and ``edge_count`` are one where they are missing, as in graphs of other codes.

    Raises:
        CrystalError: if an item has no nodes, lacks a part, or its parts don't fit together.
    """
    parts = [_arrays(item, position) for position, item in enumerate(items)]
    node_counts = [len(numbers) for numbers, *_ in parts]
    edge_counts = [len(distances) for *_, distances, _ in parts]
    numbers, multiplicities, centers, others, distances, counts = (
        np.concatenate([np.empty(0), *column]) for column in (zip(*parts, strict=True) if parts else [[]] * 6)
    )
    return CrystalGraphs(
        node_offsets=np.concatenate([[0], np.cumsum(node_counts)]).astype(np.int64),
        edge_offsets=np.concatenate([[0], np.cumsum(edge_counts)]).astype(np.int64),
        numbers=numbers.astype(np.uint8),
        multiplicities=multiplicities.astype(np.uint16),
        centers=centers.astype(np.uint16),
        others=others.astype(np.uint16),
        distances=distances.astype(np.float32),
        counts=counts.astype(np.uint8),
    )


def _arrays(item: Data, position: int) -> tuple[NDArray[np.float64], ...]:
    """Numbers, multiplicities, centers, others, distances and counts, edges sorted by center."""

    def column(name: str, length: int | None = None) -> NDArray[np.float64]:
        value = item.get(name)
        if value is None and length is not None:
            return np.ones(length)
        if not isinstance(value, Tensor):
            raise CrystalError(f"graph {position} has no {name}")
        return np.asarray(value.detach().cpu().numpy(), dtype=np.float64)

    numbers, distances = column("z"), column("edge_distance")
    ends = column("edge_index").reshape(2, -1)
    multiplicities = column("multiplicity", len(numbers))
    counts = column("edge_count", len(distances))
    fits = (
        len(numbers) > 0
        and ends.shape[1] == len(distances) == len(counts)
        and len(multiplicities) == len(numbers)
        and bool(((ends >= 0) & (ends < len(numbers))).all())
        and bool((np.isfinite(distances) & (counts >= 1) & (counts <= _LARGEST_COUNT)).all())
    )
    if not fits:
        raise CrystalError(f"the parts of graph {position} don't fit together")
    order = np.argsort(ends[1], kind="stable")
    return numbers, multiplicities, ends[1][order], ends[0][order], distances[order], counts[order]
