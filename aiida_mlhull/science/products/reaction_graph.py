"""Attention over precursors: first which elements the product has, then how much of each.

Thesis of R. E. A. Goodall (Cambridge, 2021), chapter 5, Eqs. 5.1-5.4. Precursors are the nodes of a complete graph, with
Magpie features and their amounts as weights (equal ones where amounts are not known); they exchange messages by the
weighted soft attention of Roost in five layers with three heads and are pooled by it. The sequence of actions comes in
as the state of an LSTM that was trained to reproduce it. Stage one says which elements are there; none is made out
of another one (the alchemy mask: those of the precursors, and oxygen of the air). Stage two gives their shares by a
softmax over these elements. The mean over an ensemble of five is the answer.

Different from there: both stages have one trunk; an element is asked about by its own properties, so that one that no
published target had can be answered; and what is learned is a correction of the mixture without its gases
(:mod:`~aiida_mlhull.science.products.mass_balance`), whose shares are given and whose logarithms are added to stage two.
Where amounts are known, the elements are those of the mass balance: stage one is right less often than it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from aiida_mlhull.science.models.batches.weighted_sets import Block, SetBatch
from aiida_mlhull.science.models.layers.residual_network import ResidualNetwork
from aiida_mlhull.science.models.layers.soft_attention import AttentionPooling, MessageLayer
from aiida_mlhull.science.products.action_states import STATE, ActionAutoencoder, action_states, fitted_autoencoder
from aiida_mlhull.science.products.base import (
    ELEMENTS,
    PRESENT,
    Products,
    amounts,
    atoms_of,
    fractions_of,
    normalized,
    precursors,
    targets,
)
from aiida_mlhull.science.products.mass_balance import O, mixed
from aiida_mlhull.science.representations.magpie import magpie, magpie_table
from aiida_mlhull.science.types import MemberWeights, Recipes
from aiida_mlhull.science.types.crystals import Floats, Integers

WIDTH: Final = 64
HEADS: Final = 3
LAYERS: Final = 5
HIDDEN: Final = 32
MEMBERS: Final = 5
BATCH: Final = 128
RATE: Final = 2e-3
EPOCHS: Final = 20
TINY: Final = 1e-6
"""Weight of a precursor that the equation doesn't use; its logarithm is taken."""
LEFT: Final = 3e-3
"""Added to the share of an element in the mixture without its gases, so that what has left can be brought back."""
ABSENT: Final = -30.0
"""Logit of an element that is not there."""
ASKED: Final = 512
"""Recipes that are asked about together."""


class Pairs(NamedTuple):
    """Elements that may be in the product: P pairs of a set and an element.

    Attributes:
        sets: (P,) in the batch.
        elements: (P,) atomic number minus one.
        shares: (P, 2) of the element in the mixture as weighed in, and without its gases.
    """

    sets: Tensor
    elements: Tensor
    shares: Tensor


class ReactionNetwork(nn.Module):
    """One member."""

    elements: Tensor

    def __init__(self, features: int, elements: Tensor) -> None:
        super().__init__()
        self.embedding = nn.Linear(features, WIDTH - 1)
        self.messages = nn.ModuleList([MessageLayer(WIDTH, heads=HEADS, hidden=HIDDEN) for _ in range(LAYERS)])
        self.pooling = AttentionPooling(WIDTH, heads=HEADS, hidden=HIDDEN)
        self.register_buffer("elements", elements, persistent=False)
        self.of_element = nn.Linear(elements.shape[1], WIDTH)
        self.stages = ResidualNetwork(2 * WIDTH + STATE + 2, (128, 64), outputs=2)

    def forward(self, nodes: Tensor, batch: SetBatch, actions: Tensor, pairs: Pairs) -> tuple[Tensor, Tensor]:
        """(P,) logits of an element's presence and of its amount."""
        rows = torch.cat([self.embedding(nodes), batch.weights[:, None]], dim=1)
        logs = batch.weights.log(), batch.counts.log()
        for layer in self.messages:
            rows = layer(rows, logs, batch)
        state = torch.cat([self.pooling(rows, logs, batch), actions], dim=1)
        own = self.of_element(self.elements)[pairs.elements]
        presence, amount = self.stages(torch.cat([state[pairs.sets], own, pairs.shares], dim=1)).unbind(1)
        return presence, amount + (pairs.shares[:, 1] + LEFT).log()


class Rows:
    """Recipes as tensors: precursors in one long table, sets in the order of their size within a batch."""

    def __init__(self, recipes: Recipes, *, scale: tuple[Floats, Floats], actions: Floats) -> None:
        names = precursors(recipes)
        flat = [one for row in names for one in row]
        self.offsets: Integers = np.cumsum([0, *map(len, names)])
        self.features = ((magpie(fractions_of(flat)) - scale[0]) / scale[1]).astype(np.float32)
        moles_of = amounts(recipes)
        self.weights = np.concatenate([_weights(len(row), moles) for row, moles in zip(names, moles_of, strict=True)])
        self.weighed = np.asarray([moles is not None and bool(moles.sum() > 0) for moles in moles_of])
        whole, left = np.zeros((2, len(names), ELEMENTS))
        for i, (row, first) in enumerate(zip(names, self.offsets.tolist(), strict=False)):
            moles = self.weights[first : first + len(row)]
            whole[i], left[i] = moles @ atoms_of(row), mixed(row, moles)
        self.allowed = whole > 0
        self.allowed[:, O - 1] = True
        self.mixtures = [normalized(table).astype(np.float32) for table in (whole, left)]
        self.actions = actions.astype(np.float32)

    def __len__(self) -> int:
        return len(self.allowed)

    def batch(self, rows: Integers) -> tuple[Tensor, SetBatch, Tensor, Integers]:
        """Nodes, their batch, states of the actions; and the rows in the order in which their sets stand."""
        sizes = np.diff(self.offsets)[rows]
        order = rows[np.argsort(sizes, kind="stable")]
        nodes = np.concatenate([np.arange(self.offsets[row], self.offsets[row + 1]) for row in order])
        different, counts = np.unique(sizes, return_counts=True)
        firsts = np.cumsum(different * counts) - different * counts
        empty = torch.zeros(0, dtype=torch.int64)
        weights = torch.from_numpy(self.weights[nodes])
        batch = SetBatch(
            elements=empty, kinds=empty, weights=weights, counts=torch.ones_like(weights),
            blocks=tuple(Block(*n) for n in zip(firsts.tolist(), counts.tolist(), different.tolist(), strict=True)),
            shares=torch.ones(len(order)), material_of_set=torch.arange(len(order)), rows=torch.arange(len(order)),
            materials=len(order),
        )  # fmt: skip
        return torch.from_numpy(self.features[nodes]), batch, torch.from_numpy(self.actions[order]), order

    def pairs(self, rows: Integers) -> Pairs:
        """Elements that may be in the products of these rows."""
        sets, elements = np.nonzero(self.allowed[rows])
        shares = np.stack([table[rows][sets, elements] for table in self.mixtures], axis=1)
        return Pairs(torch.from_numpy(sets), torch.from_numpy(elements), torch.from_numpy(shares))


class ReactionGraph:
    """Amounts are weights where they are known.

    Args:
        members: of the ensemble.
        epochs: of each member's training.
    """

    needs_amounts = False
    settings: ClassVar[tuple[str, ...]] = ("members", "epochs")

    def __init__(self, *, members: int = MEMBERS, epochs: int = EPOCHS) -> None:
        self.members, self.epochs = members, epochs

    def fit(self, recipes: Recipes, *, seed: int = 0) -> None:
        """Learn from recipes whose targets are known; every member has its own initial weights and order of batches."""
        described = magpie(fractions_of([one for row in precursors(recipes) for one in row]))
        self._scale = described.mean(axis=0), np.where(described.std(axis=0) > 0, described.std(axis=0), 1.0)
        self._autoencoder = fitted_autoencoder(recipes, seed=seed)
        rows, wanted = self._rows(recipes), targets(recipes).astype(np.float32)
        self._networks = []
        for member in range(self.members):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed * 1000 + member)
                network = ReactionNetwork(described.shape[1], _elements())
            _train(network, rows, wanted, epochs=self.epochs, rng=np.random.default_rng([seed, member]))
            self._networks.append(network)

    def predict(self, recipes: Recipes) -> Products:
        """The products: means over the members."""
        return Products(self.members_say(recipes).mean(axis=0))

    def members_say(self, recipes: Recipes) -> Floats:
        """(m, n, Z) what every member says: elements as weighed in, or by the mean chance of all members; shares by its own."""
        rows = self._rows(recipes)
        chances, logits = np.zeros((len(rows), ELEMENTS)), np.full((self.members, len(rows), ELEMENTS), -np.inf)
        for some in np.array_split(np.arange(len(rows)), -(-len(rows) // ASKED)):
            nodes, batch, actions, order = rows.batch(some)
            pairs = rows.pairs(order)
            at = order[pairs.sets.numpy()], pairs.elements.numpy()
            for member, network in enumerate(self._networks):
                with torch.no_grad():
                    presence, amount = network.eval()(nodes, batch, actions, pairs)
                chances[at] += torch.sigmoid(presence).numpy() / self.members
                logits[member][at] = amount.numpy()
        present = chances > 0.5  # noqa: PLR2004  (likelier than not)
        present = np.where(rows.weighed[:, None], rows.mixtures[1] > PRESENT, present)
        present = np.where(present.any(axis=1, keepdims=True), present, rows.allowed)
        shares = softmax(np.where(present, logits, -np.inf), axis=2)
        return np.asarray(normalized(np.where(present, np.maximum(shares, 2 * PRESENT), 0.0)))

    def kept(self) -> list[MemberWeights]:
        """The members as arrays; each holds what all of them read recipes by."""
        shared = {"scale.mean": self._scale[0], "scale.std": self._scale[1]}
        shared |= {f"actions.{name}": value.numpy() for name, value in self._autoencoder.state_dict().items()}
        return [
            MemberWeights(
                arrays=shared | {f"network.{name}": value.numpy() for name, value in network.state_dict().items()},
                meta={"actions": self._autoencoder.length, "number": number}, scores={}, seed=number,
            )
            for number, network in enumerate(self._networks)
        ]  # fmt: skip

    @classmethod
    def restored(cls, members: Sequence[MemberWeights]) -> ReactionGraph:
        """The model behind what :meth:`kept` gave."""
        model = cls(members=len(members))
        first = members[0]
        model._scale = first.arrays["scale.mean"], first.arrays["scale.std"]
        model._autoencoder = ActionAutoencoder(int(first.meta["actions"])).eval()
        model._autoencoder.load_state_dict(_tensors(first, "actions."))
        model._networks = []
        for member in members:
            network = ReactionNetwork(len(model._scale[0]), _elements())
            network.load_state_dict(_tensors(member, "network."))
            model._networks.append(network)
        return model

    def _rows(self, recipes: Recipes) -> Rows:
        return Rows(recipes, scale=self._scale, actions=action_states(self._autoencoder, recipes))


def _elements() -> Tensor:
    """(Z, f) what every element is, standardized over all of them."""
    table = magpie_table()[1][1:]
    return torch.from_numpy(((table - table.mean(axis=0)) / table.std(axis=0)).astype(np.float32))


def _tensors(member: MemberWeights, prefix: str) -> dict[str, Tensor]:
    """Those of a member's arrays that one network is made of."""
    named = {name.removeprefix(prefix): array for name, array in member.arrays.items() if name.startswith(prefix)}
    return {name: torch.from_numpy(np.array(array)) for name, array in named.items()}


def _weights(n: int, moles: Floats | None) -> NDArray[np.float32]:
    """(n,) shares of the moles; equal ones where these are not known."""
    known = np.ones(n) if moles is None or not moles.sum() > 0 else np.maximum(moles, TINY * moles.sum())
    return np.asarray(known / known.sum(), dtype=np.float32)


def _train(
    network: ReactionNetwork, rows: Rows, wanted: NDArray[np.float32], *, epochs: int, rng: np.random.Generator
) -> None:
    """Cross entropy of the elements, and L1 of the shares over those that are there."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-4)
    per_epoch = -(-len(rows) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=max(epochs * per_epoch, 2))
    for _ in range(epochs):
        for some in np.array_split(rng.permutation(len(rows)), per_epoch):
            nodes, batch, actions, order = rows.batch(some)
            pairs, true = rows.pairs(order), torch.from_numpy(wanted[order])
            presence, amount = network(nodes, batch, actions, pairs)
            there = (true > PRESENT)[pairs.sets, pairs.elements]
            table = amount.new_full(true.shape, ABSENT)
            table[pairs.sets, pairs.elements] = amount.where(there, amount.new_tensor(ABSENT))
            missed = (torch.softmax(table, dim=1) - true).abs().sum(1).mean()
            loss = binary_cross_entropy_with_logits(presence, there.float()) + missed
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            schedule.step()
