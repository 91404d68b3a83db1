"""Crystal graph attention network: shells instead of distances, attention by channel, hypernetworks.

Source: Schmidt, Pettersson, Verdozzi, Botti and Marques, Sci. Adv. 7 (2021) eabi7948; Hoffmann, Schmidt, Botti and
Marques 2023; the authors' public code, where the papers leave something open. Atoms start as Matscholar vectors
projected to C columns without bias, x⁰; edges to the 24 nearest neighbors as a learned row e⁰ (E columns) a shell
(:mod:`~aiida_mlhull.science.representations.shell_graph`). Layer t:

    m_i     = mean over heads of sum_j a_ij * v(x_i | e_ij | x_j),   a_ij = softmax_j l(x_i | e_ij | x_j), by channel
    x_i     <- x_i + N_t(x⁰_i)(m_i)                                   in the first layer
    x_i     <- x_i + N_t(d x⁰_i + (1 - d) m_i)(m_i)                   in the others, d in [0, 1] learned
    e       <- e + p(e)

with l, v networks of one hidden layer of (2 C + E) / 1.5 units, N(t) a network generated from t
(:mod:`~aiida_mlhull.science.models.layers.hyper_network`), p a network with one hidden layer. The atoms are pooled by
attention of the same kind, whose logits also depend on the composition's context g from a small Roost, l(x_i | g). The
heads' mean goes into a residual network with ReZero factors.

The preset ``paper`` has the published size (C = 128, E = 512, 6 heads, 5 layers), for graphics cards; defaults are
small.

Left out of the public code, because no value depends on it: the attention of the edge update, whose result is
overwritten (a third of all parameters get no gradient from it); the edge update after the last layer; the constants
in softmaxes. Different on purpose: messages go from the neighbors to the atom, as the papers say (the code sends
them from an atom to its neighbors); an element of the composition hears itself, as in Roost; pooling heads are
averaged (the code can also chain them); the target is per atom.

Equal rearrangements, proved in the tests against the plain form:

- The quotient graph: equal atoms are one node, equal edges one edge with a count.
- Edges know their shell only, and p hears nothing else: e and its part of the hidden layers are tables of 24 rows.
- Hidden layers of all heads are one product per node, not per pair: W (x_i | e | x_j) = A x_i + B e + C x_j.
- The first layer's networks are generated once per element.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import linear

from aiida_mlhull.science.models.base import ModelSettings
from aiida_mlhull.science.models.batches.shells import ShellBatch, ShellInputs, ShellTensors
from aiida_mlhull.science.models.families.networks import NetworkModel
from aiida_mlhull.science.models.families.presets import PresetSettings
from aiida_mlhull.science.models.layers.channel_attention import HeadOutputs, attended, drawn
from aiida_mlhull.science.models.layers.composition_context import Context
from aiida_mlhull.science.models.layers.hyper_network import HyperNetwork
from aiida_mlhull.science.models.layers.residual_network import ReZeroNetwork
from aiida_mlhull.science.models.training.loop import TrainingSettings
from aiida_mlhull.science.representations import Reads
from aiida_mlhull.science.representations.elements import check_element_embedding, element_embedding
from aiida_mlhull.science.representations.shell_graph import SHELL_GAP, SHELL_NEIGHBORS, shell_graphs
from aiida_mlhull.science.representations.weighted_sets import composition_sets
from aiida_mlhull.science.types import ModelRows


class CGATSettings(PresetSettings, TrainingSettings):
    """Settings of :class:`CGAT`.

    Attributes:
        width: C, features of an atom, and hidden units of the pooling.
        edge_width: E, features of an edge.
        heads: of every attention.
        layers: of message passing.
        context_layers: of the composition's network.
        context_hidden: hidden units in it.
        output_widths: of the residual network.
        neighbors: of every atom.
        shell_gap: Å; see :data:`~aiida_mlhull.science.representations.shell_graph.SHELL_GAP`.
    """

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {
            "width": 128,
            "edge_width": 512,
            "heads": 6,
            "layers": 5,
            "context_layers": 3,
            "context_hidden": 256,
            "output_widths": (1024, 1024, 512, 512, 256, 256, 128),
            "learning_rate": 1.25e-4,
            "schedule": "cyclic",
            "cycle_epochs": 130,
            "weight_decay": 1e-6,
            "batch_size": 512,
            "max_epochs": 390,
            "patience": 390,
        }
    }

    width: int = Field(default=32, ge=2)
    edge_width: int = Field(default=32, ge=1)
    heads: int = Field(default=2, ge=1)
    layers: int = Field(default=2, ge=1)
    context_layers: int = Field(default=1, ge=1)
    context_hidden: int = Field(default=64, ge=1)
    output_widths: tuple[int, ...] = (256, 128, 64)
    neighbors: int = Field(default=SHELL_NEIGHBORS, ge=1)
    shell_gap: float = Field(default=SHELL_GAP, gt=0)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-6, ge=0)


class NodeAttention(nn.Module):
    """m_i of the module's text; ``hidden_weight`` is (2 H K, 2 C + E), its columns those of x_i, e, x_j."""

    def __init__(self, width: int, edge_width: int, heads: int) -> None:
        super().__init__()
        self.width = width
        inputs = 2 * width + edge_width
        hidden = int(inputs / 1.5)
        self.hidden_weight = drawn(2 * heads * hidden, inputs, inputs=inputs)
        self.hidden_bias = drawn(2 * heads * hidden, inputs=inputs)
        self.logits = HeadOutputs(heads, hidden, width)
        self.values = HeadOutputs(heads, hidden, width)
        self.bias = drawn(width, inputs=hidden)

    def forward(self, nodes: Tensor, shells: Tensor, batch: ShellBatch) -> Tensor:
        """(V, C) from (V, C) ``nodes`` and the (24, E) table ``shells``."""
        graph, width, weight = batch.graph, self.width, self.hidden_weight
        received = linear(nodes, weight[:, :width]).index_select(0, graph.centers)
        sent = linear(nodes, weight[:, -width:]).index_select(0, graph.others)
        labels = linear(shells, weight[:, width:-width], self.hidden_bias).index_select(0, batch.shells)
        for_logits, for_values = (received + sent + labels).chunk(2, dim=1)
        logits, values = self.logits(for_logits), self.values(for_values)
        return attended(logits, values, counts=graph.counts, owner=graph.centers, size=len(nodes)) + self.bias


class AtomUpdate(nn.Module):
    """What is added to x_i: the generated network of the module's text."""

    def __init__(self, width: int, *, first: bool) -> None:
        super().__init__()
        self.network = HyperNetwork(width)
        self.damping = None if first else nn.Parameter(torch.rand(()))

    def forward(self, messages: Tensor, elements: Tensor, numbers: Tensor) -> Tensor:
        """(V, C) from (V, C) ``messages``; x⁰ is ``elements`` (U, C) at ``numbers`` (V,)."""
        if self.damping is None:
            different, which = torch.unique(numbers, return_inverse=True)
            return self.network(elements.index_select(0, different), messages, which)  # type: ignore[no-any-return]
        if self.training:
            with torch.no_grad():
                self.damping.clamp_(0.0, 1.0)
        damping = self.damping.clamp(0.0, 1.0)
        told = damping * elements.index_select(0, numbers) + (1 - damping) * messages
        return self.network(told, messages)  # type: ignore[no-any-return]


class ContextPooling(nn.Module):
    """One row per crystal from its atoms; logits depend on x_i and the context g, values on x_i."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.own = nn.Linear(width, 2 * heads * width)
        self.context = drawn(heads * width, width, inputs=2 * width)
        self.logits = HeadOutputs(heads, width, width)
        self.values = HeadOutputs(heads, width, width)
        self.bias = drawn(width, inputs=width)

    def forward(self, nodes: Tensor, context: Tensor, batch: ShellBatch) -> Tensor:
        """(B, C) from (V, C) ``nodes`` and (B, C) ``context``."""
        owner = batch.graph.graph_of_node
        for_logits, for_values = self.own(nodes).chunk(2, dim=1)
        logits = self.logits(for_logits + linear(context, self.context).index_select(0, owner))
        values = self.values(for_values)
        return attended(logits, values, counts=batch.graph.atoms, owner=owner, size=batch.graph.size) + self.bias


class AttentionNetwork(nn.Module):
    """The whole network."""

    elements: Tensor

    def __init__(self, settings: CGATSettings, *, outputs: int) -> None:
        super().__init__()
        width, edge_width, layers = settings.width, settings.edge_width, settings.layers
        self.register_buffer("elements", torch.as_tensor(element_embedding()), persistent=False)
        columns = self.elements.shape[1]
        self.embedding = nn.Linear(columns, width, bias=False)
        self.shells = nn.Parameter(torch.randn(settings.neighbors, edge_width))
        self.attentions = nn.ModuleList(NodeAttention(width, edge_width, settings.heads) for _ in range(layers))
        self.updates = nn.ModuleList(AtomUpdate(width, first=layer == 0) for layer in range(layers))
        self.edge_updates = nn.ModuleList(
            nn.Sequential(nn.Linear(edge_width, edge_width), nn.LeakyReLU(), nn.Linear(edge_width, edge_width))
            for _ in range(layers - 1)
        )
        self.context = Context(columns, width, layers=settings.context_layers, hidden=settings.context_hidden)
        self.pooling = ContextPooling(width, settings.heads)
        self.output = ReZeroNetwork(width, settings.output_widths, outputs)

    def forward(self, batch: ShellBatch) -> Tensor:
        """(B, outputs)."""
        numbers = batch.graph.numbers
        elements = self.embedding(self.elements)
        nodes, shells = elements.index_select(0, numbers), self.shells
        for layer, (attention, update) in enumerate(zip(self.attentions, self.updates, strict=True)):
            nodes = nodes + update(attention(nodes, shells, batch), elements, numbers)
            if layer < len(self.edge_updates):
                shells = shells + self.edge_updates[layer](shells)
        crystals = self.pooling(nodes, self.context(self.elements, batch.compositions), batch)
        outputs: Tensor = self.output(crystals)
        return outputs


class CGAT(NetworkModel):
    """See the module's text."""

    Settings: ClassVar[type[ModelSettings]] = CGATSettings
    reads: ClassVar[Reads] = "shells"
    settings: CGATSettings

    def represent(self, rows: ModelRows) -> ShellInputs:
        """Shell graphs and compositions.

        Raises:
            CrystalError: on elements beyond lawrencium, which have no embedding.
        """
        check_element_embedding(rows.crystals.numbers)
        graphs = shell_graphs(rows.crystals, neighbors=self.settings.neighbors, gap=self.settings.shell_gap)
        return ShellInputs(graphs, composition_sets(rows.crystals))

    def network(self, *, outputs: int) -> AttentionNetwork:
        """A network drawn as the public code draws it."""
        return AttentionNetwork(self.settings, outputs=outputs)

    def batches(self, inputs: ShellInputs, *, device: torch.device) -> ShellTensors:
        """All crystals on the device."""
        return ShellTensors(inputs, device)
