"""CHGNet's energy and its derivatives on quotient graphs, many crystals at once.

The network is Deng et al., Nature Machine Intelligence 5 (2023) 1031, with the weights that the
``chgnet`` wheel ships; only the order of the arithmetic differs from the package's own forward pass:

* sums over neighbors and angles are weighted sums over the kinds that the space group tells apart;
* the first layer of every gated network is applied to atoms, bonds and angles before they are gathered
  into messages (a linear layer of concatenated vectors is a sum of linear layers), a third of the work;
* the network is differentiated only as far as distances and cosines; geometry follows in double precision.

Results agree with the package to rounding in single precision, which the tests check.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from aiida_mlhull.science.errors import MissingExtraError
from aiida_mlhull.science.relaxation.chgnet.batch import PeriodicBatch
from aiida_mlhull.science.types.crystals import Floats, Integers

HEAVIEST_KNOWN = 94
_WIDTH = 64


@dataclass(frozen=True)
class _GatedLayers:
    """A gated network whose first layer is split by input block (in the order of the package's concatenation)."""

    blocks: tuple[Tensor, ...]
    bias: Tensor
    second: tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]] | None
    norms: tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]

    @classmethod
    def of(cls, gated: Any) -> _GatedLayers:
        """Take the weights out of a ``chgnet`` GatedMLP; core and gate share their input, so they are stacked."""
        linears = [
            [layer for layer in branch.layers if isinstance(layer, torch.nn.Linear)]
            for branch in (gated.mlp_core, gated.mlp_gate)
        ]
        stacked = torch.cat([branch[0].weight for branch in linears])
        return cls(
            blocks=tuple(block.T.contiguous() for block in torch.split(stacked, _WIDTH, dim=1)),
            bias=torch.cat([branch[0].bias for branch in linears]),
            second=None if len(linears[0]) == 1 else tuple((branch[1].weight, branch[1].bias) for branch in linears),  # type: ignore[arg-type]
            norms=((gated.bn1.weight, gated.bn1.bias), (gated.bn2.weight, gated.bn2.bias)),
        )

    def __call__(self, first: Tensor) -> Tensor:
        """(M, 64) from the (M, 128) sum of the split first layers."""
        core, gate = torch.split(first + self.bias, _WIDTH, dim=1)
        if self.second is not None:
            (core_weight, core_bias), (gate_weight, gate_bias) = self.second
            core = functional.linear(functional.silu(core), core_weight, core_bias)
            gate = functional.linear(functional.silu(gate), gate_weight, gate_bias)
        core = functional.silu(functional.layer_norm(core, (_WIDTH,), *self.norms[0]))
        return core * torch.sigmoid(functional.layer_norm(gate, (_WIDTH,), *self.norms[1]))


def _real(values: Floats, device: torch.device) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float32, device=device)


def _whole(values: Integers, device: torch.device) -> Tensor:
    return torch.as_tensor(values, dtype=torch.int64, device=device)


def _as_floats(values: Tensor) -> Floats:
    return np.asarray(values.detach().cpu().numpy(), dtype=np.float64)


class CHGNetNetwork:
    """The pretrained network on one device.

    Args:
        device: where to compute.

    Raises:
        MissingExtraError: if ``chgnet`` is not installed.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        model = _load()
        self.version = str(model.version)
        self.bond_cutoff = float(model.graph_converter.atom_graph_cutoff)
        self.angle_cutoff = float(model.graph_converter.bond_graph_cutoff)
        self.model: Any = model.to(self.device).requires_grad_(requires_grad=False).eval()
        self._layers = list(model.mlp.layers)
        self._atom_gates = [_GatedLayers.of(layer.twoBody_atom) for layer in model.atom_conv_layers]
        self._bond_gates = [_GatedLayers.of(layer.twoBody_bond) for layer in model.bond_conv_layers]
        self._angle_gates = [_GatedLayers.of(layer.twoBody_bond) for layer in model.angle_layers]

    def evaluate(self, batch: PeriodicBatch) -> tuple[Floats, Floats, Floats]:
        """Energies (n,) in eV/atom and their derivatives by distance (U,) and by cosine (A,).

        Raises:
            MemoryError: if the batch is too large for the device.
        """
        try:
            return self._evaluate(batch)
        except RuntimeError as error:  # torch's own class for devices, a bare RuntimeError for the processor
            if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
                raise MemoryError(f"{batch.n_crystals} crystals don't fit the memory of {self.device}") from error
            raise

    def _evaluate(self, batch: PeriodicBatch) -> tuple[Floats, Floats, Floats]:
        distances = _real(batch.distances, self.device).requires_grad_()
        cosines = _real(batch.cosines, self.device).requires_grad_()
        energies, _ = self._forward(batch, distances, cosines)
        by_distance, by_cosine = torch.autograd.grad(
            energies.sum(), (distances, cosines), allow_unused=True, materialize_grads=True
        )
        return _as_floats(energies), _as_floats(by_distance), _as_floats(by_cosine)

    def magnetic_moments(self, batch: PeriodicBatch) -> Floats:
        """Moments (O,) in Bohr magnetons on the kinds of atoms, without their sign, which the network doesn't know."""
        with torch.no_grad():
            _, moments = self._forward(batch, _real(batch.distances, self.device), _real(batch.cosines, self.device))
        return _as_floats(moments)[batch.owners < batch.n_crystals]

    def _forward(self, batch: PeriodicBatch, distances: Tensor, cosines: Tensor) -> tuple[Tensor, Tensor]:
        """Energies (n,) in eV/atom and the kinds of atoms' moments (O,)."""
        model = self.model
        numbers = _whole(batch.numbers, self.device)
        atoms = model.atom_embedding(numbers - 1)
        bond_basis = model.bond_basis_expansion.rbf_expansion_ag(distances)
        bonds = model.bond_embedding(bond_basis)
        edges = _NetworkEdges(batch, model.bond_weights_ag(bond_basis))
        angles = _Angles(model, batch, distances, cosines) if len(batch.cosines) else None
        last = len(self._atom_gates) - 1
        charged = atoms
        for k, gate in enumerate(self._atom_gates):
            charged = atoms  # what the last layer starts from is what was trained to tell the moments
            atoms = atoms + model.atom_conv_layers[k].mlp_out(edges.messages(gate, atoms, bonds))
            if k == last or angles is None:
                continue
            bonds = bonds + model.bond_conv_layers[k].mlp_out(angles.messages(self._bond_gates[k], atoms, bonds))
            if k < last - 1:  # the package updates the angles once more, but nothing reads them
                angles.update(self._angle_gates[k], atoms, bonds)
        site_energies = self._read_out(model.readout_norm(atoms))
        references = model.composition_model.fc.weight[0, numbers - 1]
        owners = _whole(batch.owners, self.device)
        mixed = distances.new_zeros(batch.n_crystals + 1).index_add(
            0, owners, (site_energies + references) * _real(batch.shares, self.device)
        )
        return mixed[:-1], torch.abs(model.site_wise(charged)).squeeze(1)

    def _read_out(self, atoms: Tensor) -> Tensor:
        """(O,) energies of the kinds of atoms."""
        *hidden, last = self._layers
        for layer in hidden:
            atoms = layer(atoms)
        # a sum in place of a matrix-vector product, whose rounding depends on the number of rows
        energies: Tensor = (atoms * last.weight[0]).sum(dim=1) + last.bias
        return energies


class _NetworkEdges:
    """Directed edges between kinds of atoms: where messages to atoms travel."""

    def __init__(self, batch: PeriodicBatch, bond_weights: Tensor) -> None:
        device = bond_weights.device
        self.centers = _whole(batch.centers, device)
        self.neighbors = _whole(batch.neighbors, device)
        self.bonds = _whole(batch.bonds, device)
        counts = _real(batch.edge_counts, device)[:, None]
        self.weights = bond_weights.index_select(0, self.bonds) * counts

    def messages(self, gate: _GatedLayers, atoms: Tensor, bonds: Tensor) -> Tensor:
        """(O, 64) weighted sum of the messages that reach every kind of atom."""
        to, along, sent = gate.blocks
        first = (
            (atoms @ to).index_select(0, self.centers)
            + (bonds @ along).index_select(0, self.bonds)
            + (atoms @ sent).index_select(0, self.neighbors)
        )
        return torch.zeros_like(atoms).index_add(0, self.centers, gate(first) * self.weights)


class _Angles:
    """Angles between kinds of bonds: where messages to bonds travel."""

    def __init__(self, model: Any, batch: PeriodicBatch, distances: Tensor, cosines: Tensor) -> None:
        device = distances.device
        self.centers = _whole(batch.angle_centers, device)
        self.left = _whole(batch.angle_bonds[:, 0], device)
        self.right = _whole(batch.angle_bonds[:, 1], device)
        bond_weights = model.bond_weights_bg(model.bond_basis_expansion.rbf_expansion_bg(distances))
        self.weights = (
            bond_weights.index_select(0, self.left)
            * bond_weights.index_select(0, self.right)
            * _real(batch.angle_weights, device)[:, None]
        )
        angles = torch.acos(cosines * (1.0 - 1e-6))  # as the package: keeps acos differentiable at 180°
        self.features: Tensor = model.angle_embedding(model.angle_basis_expansion.fourier_expansion(angles))

    def _first(self, gate: _GatedLayers, atoms: Tensor, bonds: Tensor) -> Tensor:
        left, right, angle, center = gate.blocks
        return (
            (bonds @ left).index_select(0, self.left)
            + (bonds @ right).index_select(0, self.right)
            + self.features @ angle
            + (atoms @ center).index_select(0, self.centers)
        )

    def messages(self, gate: _GatedLayers, atoms: Tensor, bonds: Tensor) -> Tensor:
        """(U, 64) weighted sum of the messages that reach every kind of bond."""
        return torch.zeros_like(bonds).index_add(0, self.left, gate(self._first(gate, atoms, bonds)) * self.weights)

    def update(self, gate: _GatedLayers, atoms: Tensor, bonds: Tensor) -> None:
        """Let the angles learn from their atoms and bonds."""
        self.features = self.features + gate(self._first(gate, atoms, bonds))


def _load() -> Any:
    try:
        from chgnet.model.model import CHGNet  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise MissingExtraError(
            "the potential 'chgnet' is not installed; run: pip install 'aiida-mlhull[potential]'"
        ) from error
    with contextlib.redirect_stdout(io.StringIO()):  # the package announces itself
        return CHGNet.load(use_device="cpu", verbose=False)
