"""Roost: a material's composition as a set of elements that attend to one another.

Source: Goodall and Lee, Nat. Commun. 11 (2020) 6280; Goodall's thesis, chapter 4 and table A.1. A crystal with
n elements of fractions w_i is the complete graph of n nodes. Features start as a linear projection of
Matscholar's 200-dimensional vectors (Tshitoyan et al., Nature 571 (2019) 95; held fixed) to C - 1 = 63 columns,
with w_i as the last. Three message layers of three heads, then attention pooling of three heads
(:mod:`~aiida_mlhull.science.models.layers.soft_attention` has the equations), then a residual network of
1024, 512, 256, 128 and 64 units. Structure is not read: polymorphs get the same prediction.

Defaults are the table's: AdamW, rate 3e-4, weight decay 1e-6, batches of 128, 250 epochs.

Left out of the reference code, without effect on any value: see
:mod:`~aiida_mlhull.science.models.layers.soft_attention`. Later versions of that code end the residual network's
third layer without its skip connection; here all five have one, as in the paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from aiida_mlhull.science.models.base import ModelSettings
from aiida_mlhull.science.models.batches.weighted_sets import SetBatch
from aiida_mlhull.science.models.families.presets import THESIS
from aiida_mlhull.science.models.families.weighted_sets import SetModel, SetNetwork, SetSettings
from aiida_mlhull.science.representations import Reads
from aiida_mlhull.science.representations.composition import reduce_formula
from aiida_mlhull.science.representations.elements import check_element_embedding, element_embedding
from aiida_mlhull.science.representations.weighted_sets import WeightedSets, sets_of_compositions
from aiida_mlhull.science.types import ModelRows


class RoostSettings(SetSettings):
    """Settings of :class:`Roost`.

    Attributes:
        width: features of an element, its fraction included.
    """

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {"thesis": {**THESIS, "max_epochs": 250}}

    width: int = Field(default=64, ge=2)
    weight_decay: float = Field(default=1e-6, ge=0)
    batch_size: int = Field(default=128, ge=1)
    max_epochs: int = Field(default=250, ge=1)


class RoostNetwork(SetNetwork):
    """The whole network."""

    elements: Tensor

    def __init__(self, settings: RoostSettings, *, outputs: int) -> None:
        super().__init__(settings, width=settings.width, outputs=outputs)
        self.register_buffer("elements", torch.as_tensor(element_embedding()), persistent=False)
        self.embedding = nn.Linear(self.elements.shape[1], settings.width - 1)

    def embed(self, batch: SetBatch) -> Tensor:
        """(V, C) projected elements with their fractions."""
        projected = self.embedding(self.elements).index_select(0, batch.elements)
        return torch.cat([projected, batch.weights[:, None]], dim=1)


class Roost(SetModel):
    """See the module's text."""

    Settings: ClassVar[type[ModelSettings]] = RoostSettings
    reads: ClassVar[Reads] = "composition"
    settings: RoostSettings

    def represent(self, rows: ModelRows) -> WeightedSets:
        """Compositions, as the formulas tell them: cells of tables that have none are placeholders.

        Raises:
            CrystalError: on elements beyond lawrencium, which have no embedding.
        """
        return self.represent_formulas(rows.formulas.tolist())

    def represent_formulas(self, formulas: Sequence[str]) -> WeightedSets:
        """The same for tables that have formulas and no cells.

        Raises:
            FormulaError: if one is not a formula.
            CrystalError: on elements beyond lawrencium.
        """
        sets = sets_of_compositions([reduce_formula(formula) for formula in formulas])
        check_element_embedding(np.unique(sets.elements))
        return sets

    def network(self, *, outputs: int) -> RoostNetwork:
        """A network drawn as torch does by default; the powers from a normal distribution."""
        return RoostNetwork(self.settings, outputs=outputs)
