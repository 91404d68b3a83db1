"""SevenNet (Park et al., J. Chem. Theory Comput. 20 (2024) 4857): ships its weights, energies *not* corrected.

Four models come with the package: 7net-0 (11 July 2024), the larger 7net-l3i5, and the multi-fidelity 7net-MF-0 (Kim et
al., J. Am. Chem. Soc. 147 (2025) 1042) with its two outputs. For a static cell the network is run as far as the energy,
without the derivatives that forces need: a third of the time.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar, Final

from ase import Atoms

from aiida_mlhull.science.relaxation.calculators.relaxer import CalculatorRelaxer
from aiida_mlhull.science.relaxation.conventions import MP2020_RAW
from aiida_mlhull.science.schemes import KNOWN

_FORCES: Final = "force_output"
"""The last module of the network."""


class SevenNet0(CalculatorRelaxer):
    """7net-0."""

    name: ClassVar[str] = "sevennet"
    scheme: ClassVar[str] = MP2020_RAW
    training: ClassVar[str] = "MPtrj: relaxations of the Materials Project, 2022"
    package: ClassVar[str] = "sevenn"
    extra: ClassVar[str] = "sevennet"
    ships_weights: ClassVar[bool] = True
    model: ClassVar[str] = "7net-0"
    modal: ClassVar[str | None] = None

    def load(self) -> Any:
        """The calculator with the weights of the package."""
        from sevenn.calculator import SevenNetCalculator  # noqa: PLC0415  (an extra)

        with warnings.catch_warnings():
            # It says that accelerators for graphics processors are not installed.
            warnings.filterwarnings("ignore", category=UserWarning)
            return SevenNetCalculator(self.model, device=self.device, modal=self.modal)

    def knows(self, number: int) -> bool:
        """Whether an element is among the network's."""
        return number in self.calculator.type_map

    def energy(self, atoms: Atoms) -> float:
        """Energy in eV, by the network without its derivatives."""
        import sevenn._keys as key  # noqa: PLC0415  (an extra)
        import torch  # noqa: PLC0415  (slow import)
        from sevenn.atom_graph_data import AtomGraphData  # noqa: PLC0415
        from sevenn.train.dataload import unlabeled_atoms_to_graph  # noqa: PLC0415

        network, cutoff = self.calculator.model, self.calculator.cutoff
        graph = AtomGraphData.from_numpy_dict(unlabeled_atoms_to_graph(atoms, cutoff, with_shift=False))
        if self.modal is not None:
            graph[key.DATA_MODALITY] = self.modal
        graph.to(self.device)
        with torch.no_grad():
            values = network._preprocess(graph)  # noqa: SLF001  (what its own forward pass begins with)
            for name, module in network.named_children():
                if name != _FORCES:
                    values = module(values)
        return float(values[key.PRED_TOTAL_ENERGY])


class SevenNetL3I5(SevenNet0):
    """7net-l3i5: higher rotation orders, more accurate and slower."""

    name: ClassVar[str] = "sevennet-l3i5"
    model: ClassVar[str] = "7net-l3i5"


class SevenNetMF0(SevenNet0):
    """7net-MF-0, its PBE(+U) output."""

    name: ClassVar[str] = "sevennet-mf-0"
    training: ClassVar[str] = "MPtrj, and r²SCAN relaxations of the Materials Project"
    model: ClassVar[str] = "7net-mf-0"
    modal: ClassVar[str | None] = "PBE"


class SevenNetMF0R2SCAN(SevenNetMF0):
    """7net-MF-0, its r²SCAN output."""

    name: ClassVar[str] = "sevennet-mf-0-r2scan"
    scheme: ClassVar[str] = KNOWN["mp-r2scan"].text
    modal: ClassVar[str | None] = "R2SCAN"
