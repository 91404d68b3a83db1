"""CHGNet (Deng et al., Nature Machine Intelligence 5 (2023) 1031): ships its weights and runs on a laptop.

Its energies are *corrected*: it was trained on Materials Project energies after the MP2020 corrections, so
applying these again would count them twice. :mod:`~aiida_mlhull.science.relaxation.conventions` takes them
off where raw energies are wanted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from aiida_mlhull.science.models.training.devices import reproducible, torch_device
from aiida_mlhull.science.relaxation.base import (
    RelaxationSettings,
    Relaxed,
    StreamedRelaxer,
    check_weights,
    not_relaxed,
)
from aiida_mlhull.science.relaxation.chgnet.active_set import ActiveSet
from aiida_mlhull.science.relaxation.chgnet.network import HEAVIEST_KNOWN, CHGNetNetwork
from aiida_mlhull.science.relaxation.conventions import MP2020_CORRECTED
from aiida_mlhull.science.representations.elements import element_table
from aiida_mlhull.science.types import Crystals
from aiida_mlhull.science.types.reasons import Reason, with_detail


class CHGNetRelaxer(StreamedRelaxer):
    """Relaxes with CHGNet within the space group of the cell that goes in, many crystals at a time.

    The same crystal gives the same bits whichever others are relaxed with it, on one machine and with one
    version of torch (see :mod:`~aiida_mlhull.science.relaxation.chgnet.batch`).

    Args:
        settings: freedom, forces, steps.
        device: ``"cpu"``, ``"auto"`` or a torch device.
        weights: None; they come with the package.

    Raises:
        MissingExtraError: if ``chgnet`` is not installed.
        InputError: if weights are given.
        DeviceError: if the device isn't there.
    """

    name: ClassVar[str] = "chgnet"
    scheme: ClassVar[str] = MP2020_CORRECTED
    training: ClassVar[str] = "MPtrj: relaxations of the Materials Project, 2022"
    ships_weights: ClassVar[bool] = True

    def __init__(self, settings: RelaxationSettings, *, device: str = "cpu", weights: str | None = None) -> None:
        check_weights(self, weights)
        self.settings = settings
        self.device = torch_device(device)
        self.network = CHGNetNetwork(self.device)

    @property
    def engine(self) -> str:
        """Name and version of the weights."""
        return f"{self.name} {self.network.version}"

    def stream(self, crystals: Crystals) -> Iterator[Relaxed]:
        """Relax every crystal and hand each over as soon as it is done; see :class:`Relaxer`."""
        known = np.ones(len(crystals), dtype=bool)
        strange = np.flatnonzero((crystals.numbers < 1) | (crystals.numbers > HEAVIEST_KNOWN))
        known[np.searchsorted(crystals.offsets, strange, side="right") - 1] = False
        for row in np.flatnonzero(~known):
            yield _unknown_element(int(row), crystals)
        rows = np.flatnonzero(known)
        with reproducible(self.device):
            yield from ActiveSet(self.network, self.settings).stream(crystals, rows.tolist())


def _unknown_element(row: int, crystals: Crystals) -> Relaxed:
    _, numbers, _ = crystals.arrays(row)
    symbols = element_table().symbols
    strange = sorted({str(symbols[z]) for z in numbers if z > HEAVIEST_KNOWN})
    return not_relaxed(row, crystals, with_detail(Reason.ENGINE_ERROR, f"CHGNet doesn't know {', '.join(strange)}"))
