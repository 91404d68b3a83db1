"""Everything that decides how a fit goes on, as arrays and JSON."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from aiida_mlhull.science.errors import WeightsError
from aiida_mlhull.science.types import MemberWeights

_CHANCE: Final = "chance"


def pack(
    network: nn.Module, optimizer: torch.optim.Optimizer, best: dict[str, Tensor], facts: dict[str, Any]
) -> MemberWeights:
    """A checkpoint: weights of now and of the best epoch, the optimizer's moments, torch's chance, and ``facts``."""
    moments = optimizer.state_dict()["state"]
    arrays = {f"network/{name}": value for name, value in network.state_dict().items()}
    arrays |= {f"best/{name}": value for name, value in best.items()}
    for number, kept in moments.items():
        arrays |= {f"optimizer/{number}/{key}": value for key, value in kept.items() if isinstance(value, Tensor)}
    arrays |= {f"{_CHANCE}/{device}": state for device, state in _chance(network).items()}
    return MemberWeights({name: value.detach().cpu().numpy() for name, value in arrays.items()}, facts, {}, 0)


def unpack(state: MemberWeights, network: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Put a checkpoint back; the weights of its best epoch are returned.

    Raises:
        WeightsError: if it is of another network or optimizer.
    """
    try:
        _load(network, _part(state, "network"))
        best = {name: torch.as_tensor(array) for name, array in _part(state, "best").items()}
        moments: dict[int, dict[str, Tensor]] = {}
        for name, array in _part(state, "optimizer").items():
            number, _, key = name.partition("/")
            moments.setdefault(int(number), {})[key] = torch.as_tensor(array)
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": moments, "param_groups": groups})
        _set_chance(_part(state, _CHANCE))
    except (KeyError, ValueError, RuntimeError) as error:
        raise WeightsError(f"the checkpoint is not one of this fit ({error})") from error
    return best


def _part(state: MemberWeights, part: str) -> dict[str, np.ndarray]:
    start = f"{part}/"
    return {name.removeprefix(start): array for name, array in state.arrays.items() if name.startswith(start)}


def _load(network: nn.Module, arrays: dict[str, np.ndarray]) -> None:
    network.load_state_dict({name: torch.as_tensor(array) for name, array in arrays.items()})


def _chance(network: nn.Module) -> dict[str, Tensor]:
    """States of the generators that layers of this network draw from."""
    states = {"cpu": torch.get_rng_state()}
    device = next(network.parameters()).device
    if device.type == "cuda":
        states[str(device)] = torch.cuda.get_rng_state(device)
    return states


def _set_chance(states: dict[str, np.ndarray]) -> None:
    for device, array in states.items():
        state = torch.as_tensor(array)
        if device == "cpu":
            torch.set_rng_state(state)
        else:
            torch.cuda.set_rng_state(state, device)
