"""Graphs as torch_geometric's Data, there and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data

from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.representations.crystal_graph import crystal_graphs, plain_graphs
from aiida_mlhull.science.representations.graph_data import from_data, to_data
from tests.science.real_crystals import mp_crystals


@pytest.mark.parametrize("build", [crystal_graphs, plain_graphs])
def test_there_and_back(build):
    graphs = build(mp_crystals())
    again = from_data([to_data(graphs, index) for index in range(len(graphs))])
    for name, value in vars(graphs).items():
        back = getattr(again, name)
        assert back.dtype == value.dtype, name
        assert np.array_equal(back, value), name


def test_messages_flow_from_neighbor_to_center():
    graphs = crystal_graphs(mp_crystals())
    data = to_data(graphs, 4)
    assert data.validate()
    received = torch.zeros(data.num_nodes, dtype=torch.long).index_add(0, data.edge_index[1], data.edge_count)
    assert (received == 12).all()
    assert Batch.from_data_list([data, to_data(graphs, 5)]).num_graphs == 2


def test_a_plain_graph_of_another_code_goes_in():
    data = Data(
        z=torch.tensor([11, 17]), edge_index=torch.tensor([[1, 0], [0, 1]]), edge_distance=torch.tensor([2.8, 2.8])
    )
    graphs = from_data([data])
    assert graphs.multiplicities.tolist() == [1, 1]
    assert graphs.counts.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"z": None}, "no z"),
        ({"edge_distance": None}, "no edge_distance"),
        ({"edge_index": torch.tensor([[1, 0], [0, 2]])}, "don't fit"),
        ({"edge_distance": torch.tensor([2.8])}, "don't fit"),
        ({"edge_distance": torch.tensor([2.8, float("nan")])}, "don't fit"),
    ],
)
def test_broken_graphs_are_refused(change, message):
    parts = {
        "z": torch.tensor([11, 17]),
        "edge_index": torch.tensor([[1, 0], [0, 1]]),
        "edge_distance": torch.tensor([2.8, 2.8]),
    }
    with pytest.raises(CrystalError, match=message):
        from_data([Data(**{name: value for name, value in (parts | change).items() if value is not None})])


def test_none_in_none_out():
    assert len(from_data([])) == 0
