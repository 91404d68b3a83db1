"""Wren: a crystal as the set of Wyckoff positions that it occupies, free coordinates unknown.

Source: Goodall, Parackal, Faber, Armiento and Lee, Sci. Adv. 8 (2022) eabn4117; Goodall's thesis, chapter 6 and
table A.3. An occupied position i carries an element, a letter and w_i, its share of the atoms. Features are the
element's Matscholar vector (200 columns, fixed) projected to 32, beside the position's
:mod:`~aiida_mlhull.science.representations.wyckoff_positions.embedding` (522 columns, fixed) and w_i projected to 32
together. Three message layers of one head, attention pooling of three heads
(:mod:`~aiida_mlhull.science.models.layers.soft_attention`), the mean over all equivalent letterings, which other
choices of origin and axes would give, and a residual network of 1024, 512, 256, 128 and 64 units.

So a prediction needs no relaxed cell, tells polymorphs of different symmetry apart, and is the same for all
crystals of one protostructure label. Labels are found at 0.1 Å
(:mod:`~aiida_mlhull.science.representations.wyckoff`).

Equal rearrangements, proved in the tests against the plain form: positions of one element whose embedding and
weight agree are one node with a count; letterings that agree in all nodes are one set; and those of
:mod:`~aiida_mlhull.science.models.layers.soft_attention`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import linear

from aiida_mlhull.science.models.base import ModelSettings
from aiida_mlhull.science.models.batches.weighted_sets import SetBatch
from aiida_mlhull.science.models.families.presets import THESIS
from aiida_mlhull.science.models.families.weighted_sets import SetModel, SetNetwork, SetSettings
from aiida_mlhull.science.representations import Reads
from aiida_mlhull.science.representations.elements import check_element_embedding, element_embedding
from aiida_mlhull.science.representations.weighted_sets import WeightedSets, sets_of_labels, wyckoff_sets
from aiida_mlhull.science.representations.wyckoff_positions.embedding import wyckoff_embedding
from aiida_mlhull.science.types import ModelRows


class WrenSettings(SetSettings):
    """Settings of :class:`Wren`.

    Attributes:
        element_width: columns that elements are projected to.
        position_width: columns that positions and weights are projected to.
    """

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "thesis": {**THESIS, "max_epochs": 400, "output_widths": (256, 256, 128, 64)}
    }

    element_width: int = Field(default=32, ge=1)
    position_width: int = Field(default=32, ge=1)
    heads: int = Field(default=1, ge=1)
    weight_decay: float = Field(default=1e-6, ge=0)
    batch_size: int = Field(default=128, ge=1)
    max_epochs: int = Field(default=200, ge=1)


class WrenNetwork(SetNetwork):
    """The whole network."""

    elements: Tensor
    positions: Tensor

    def __init__(self, settings: WrenSettings, *, outputs: int) -> None:
        super().__init__(settings, width=settings.element_width + settings.position_width, outputs=outputs)
        self.register_buffer("elements", torch.as_tensor(element_embedding()), persistent=False)
        self.register_buffer("positions", torch.as_tensor(wyckoff_embedding().table), persistent=False)
        self.embed_elements = nn.Linear(self.elements.shape[1], settings.element_width)
        self.embed_positions = nn.Linear(self.positions.shape[1] + 1, settings.position_width)

    def embed(self, batch: SetBatch) -> Tensor:
        """(V, C) projected elements beside projected positions."""
        elements = self.embed_elements(self.elements).index_select(0, batch.elements)
        weight, bias = self.embed_positions.weight, self.embed_positions.bias
        different, places = torch.unique(batch.kinds, return_inverse=True)
        table = linear(self.positions.index_select(0, different), weight[:, :-1], bias)
        positions = torch.addcmul(table.index_select(0, places), batch.weights[:, None], weight[:, -1])
        return torch.cat([elements, positions], dim=1)


class Wren(SetModel):
    """See the module's text."""

    Settings: ClassVar[type[ModelSettings]] = WrenSettings
    reads: ClassVar[Reads] = "wyckoff"
    settings: WrenSettings

    def represent(self, rows: ModelRows) -> WeightedSets:
        """Occupied Wyckoff positions of the cells, or those of the labels where there are no cells.

        Raises:
            CrystalError: on elements beyond lawrencium, which have no embedding.
        """
        check_element_embedding(rows.crystals.numbers)
        return wyckoff_sets(rows.crystals, rows.protostructures)

    def represent_labels(self, labels: Sequence[str]) -> WeightedSets:
        """The same for candidates that are protostructure labels and have no cells.

        Raises:
            CrystalError: if one is not such a label, or on elements beyond lawrencium.
        """
        sets = sets_of_labels(labels)
        check_element_embedding(np.unique(sets.elements))
        return sets

    def network(self, *, outputs: int) -> WrenNetwork:
        """A network drawn as torch does by default; the powers from a normal distribution."""
        return WrenNetwork(self.settings, outputs=outputs)
