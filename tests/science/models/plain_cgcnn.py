"""CGCNN written down as the paper has it: one node per atom, every z_ij made, torch's own batch normalization."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import softplus

from aiida_mlhull.science.representations.elements import atom_features


class PlainConvolution(nn.Module):
    def __init__(self, width, gaussians):
        super().__init__()
        self.full = nn.Linear(2 * width + gaussians, 2 * width)
        self.norm_edges = nn.BatchNorm1d(2 * width)
        self.norm_nodes = nn.BatchNorm1d(width)

    def forward(self, nodes, bonds, others):
        atoms, neighbors = others.shape
        own = nodes[:, None, :].expand(-1, neighbors, -1)
        z = torch.cat([own, nodes[others], bonds], dim=2)
        gates = self.norm_edges(self.full(z).reshape(atoms * neighbors, -1)).reshape(atoms, neighbors, -1)
        filters, cores = gates.chunk(2, dim=2)
        summed = (torch.sigmoid(filters) * softplus(cores)).sum(dim=1)
        return softplus(nodes + self.norm_nodes(summed))


class PlainSimpleConvolution(nn.Module):
    """Eq. 4: every (v_j | u_ij) is multiplied, then summed."""

    def __init__(self, width, gaussians):
        super().__init__()
        self.heard = nn.Linear(width + gaussians, width, bias=False)
        self.own = nn.Linear(width, width)
        self.norm = nn.BatchNorm1d(width)

    def forward(self, nodes, bonds, others):
        summed = self.heard(torch.cat([nodes[others], bonds], dim=2)).sum(dim=1)
        return softplus(self.norm(summed) + self.own(nodes))

    def take_weights(self, ours):
        self.heard.weight.data.copy_(ours.weight.data)
        self.own.load_state_dict(ours.own.state_dict())
        self.norm.load_state_dict(ours.norm_nodes.state_dict(), strict=False)


class PlainCGCNN(nn.Module):
    def __init__(self, width=64, layers=3, hidden=128, gaussians=41, radius=8.0, outputs=1):
        super().__init__()
        self.midpoints = torch.linspace(0, radius, gaussians)
        self.step = radius / (gaussians - 1)
        self.embedding = nn.Linear(92, width)
        self.convolutions = nn.ModuleList(PlainConvolution(width, gaussians) for _ in range(layers))
        self.hidden = nn.Linear(width, hidden)
        self.output = nn.Linear(hidden, outputs)

    def forward(self, numbers, others, distances, sizes):
        """(B, outputs) from (N,) atomic numbers, (N, 12) neighbors and distances, sites of every crystal."""
        bonds = torch.exp(-(((distances[..., None] - self.midpoints) / self.step) ** 2))
        nodes = self.embedding(torch.as_tensor(atom_features()).to(distances.dtype)[numbers])
        for convolution in self.convolutions:
            nodes = convolution(nodes, bonds, others)
        crystals = torch.stack([part.mean(dim=0) for part in nodes.split(sizes)])
        return self.output(softplus(self.hidden(softplus(crystals))))

    def take_weights(self, lean):
        """The weights of our network; the bias that it leaves out keeps whatever value it has here."""
        self.embedding.load_state_dict(lean.embedding.state_dict())
        self.hidden.load_state_dict(lean.hidden[0].state_dict())
        self.output.load_state_dict(lean.output.state_dict())
        for ours, theirs in zip(lean.convolutions, self.convolutions, strict=True):
            theirs.full.weight.data.copy_(ours.weight.data)
            theirs.norm_edges.load_state_dict(ours.norm_edges.state_dict(), strict=False)
            theirs.norm_nodes.load_state_dict(ours.norm_nodes.state_dict(), strict=False)
