"""Beginning with what another member has learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from aiida_mlhull.science.errors import WeightsError, listed
from aiida_mlhull.science.models.base import Inheritance
from aiida_mlhull.science.models.training.optimizers import shares_of


def begin(network: nn.Module, start: Inheritance, *, head: Sequence[str]) -> Mapping[str, float]:
    """Give ``network`` the parent's weights, and every parameter its share of the learning rate.

    Layers of the ``head`` may differ in shape, as where the parent states no spreads and the child
    does: they keep the weights that were drawn for them.

    Raises:
        WeightsError: if the parent differs anywhere else; it is then of another model, or has other settings.
        SettingsError: if a group names no layer, or everything is frozen.
    """
    own = network.state_dict()
    theirs = {name: torch.as_tensor(array) for name, array in start.weights.arrays.items()}
    fitting = {name for name, value in own.items() if name in theirs and theirs[name].shape == value.shape}
    strange = [name for name in sorted({*own, *theirs} - fitting) if not _in_head(name, head)]
    if strange:
        raise WeightsError(
            f"the parent's weights are of another model, or have other settings: {listed(strange)} differ; give the "
            f"child the parent's model and settings"
        )
    network.load_state_dict({name: theirs[name] if name in fitting else value for name, value in own.items()})
    groups = dict(start.groups)
    if start.head_only:
        groups |= {name: 0.0 for name, _ in network.named_parameters() if not _in_head(name, head)}
    return shares_of(network, groups, factor=start.learning_rate_factor)


def _in_head(name: str, head: Sequence[str]) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in head)
