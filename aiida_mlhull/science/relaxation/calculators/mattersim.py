"""MatterSim (Yang et al., arXiv:2405.04967): weights are a file that people fetch."""

from __future__ import annotations

from typing import Any, ClassVar

from aiida_mlhull.science.relaxation.calculators.relaxer import CalculatorRelaxer
from aiida_mlhull.science.relaxation.conventions import MP2020_RAW


class MatterSim(CalculatorRelaxer):
    """MatterSim v1, trained on its authors' calculations at the Materials Project's settings."""

    name: ClassVar[str] = "mattersim"
    scheme: ClassVar[str] = MP2020_RAW
    training: ClassVar[str] = "MatterSim: 17 million cells over temperatures and pressures"
    package: ClassVar[str] = "mattersim"

    def load(self) -> Any:
        """The calculator with the given weights."""
        from mattersim.forcefield import MatterSimCalculator  # noqa: PLC0415  (people install it)

        return MatterSimCalculator(load_path=str(self.weights), device=str(self.device))
