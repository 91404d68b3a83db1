"""Sequences of actions as vectors: the state of an LSTM that was trained to reproduce them."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from aiida_mlhull.science.products.actions import LONGEST, NOTHING, action_tokens
from aiida_mlhull.science.types import Recipes
from aiida_mlhull.science.types.crystals import Floats

STATE: Final = 32
STEPS: Final = 150
BATCH: Final = 128
RATE: Final = 5e-3


class ActionAutoencoder(nn.Module):
    """Reads a sequence into one state, and writes it again from that state alone.

    Args:
        length: tokens that are read.
    """

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length
        self.reader = nn.LSTM(NOTHING + 1, STATE, batch_first=True)
        self.writer = nn.LSTM(STATE, STATE, batch_first=True)
        self.word = nn.Linear(STATE, NOTHING + 1)

    def state(self, tokens: Tensor) -> Tensor:
        """(n, STATE) from (n, L) tokens."""
        _, (hidden, _) = self.reader(one_hot(tokens, NOTHING + 1).float())
        last: Tensor = hidden[0]
        return last

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, L, 8) logits of the tokens."""
        written, _ = self.writer(self.state(tokens)[:, None].expand(-1, tokens.shape[1], -1))
        logits: Tensor = self.word(written)
        return logits


def fitted_autoencoder(recipes: Recipes, *, seed: int) -> ActionAutoencoder:
    """An autoencoder of the recipes' sequences, each different one counted as often as it occurs."""
    tokens = torch.from_numpy(action_tokens(recipes))
    length = min(int((tokens != NOTHING).sum(1).max()) + 1, LONGEST)
    tokens, rng = tokens[:, :length], np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ActionAutoencoder(length)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(STEPS if length > 1 else 0):
        some = tokens[rng.integers(len(tokens), size=min(BATCH, len(tokens)))]
        loss = cross_entropy(model(some).flatten(0, 1), some.flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return model.eval()


@torch.no_grad()
def action_states(model: ActionAutoencoder, recipes: Recipes) -> Floats:
    """(n, STATE) states of the recipes' actions."""
    different, which = np.unique(action_tokens(recipes)[:, : model.length], axis=0, return_inverse=True)
    states: Floats = model.state(torch.from_numpy(different)).numpy().astype(np.float64)
    return states[which.ravel()]
