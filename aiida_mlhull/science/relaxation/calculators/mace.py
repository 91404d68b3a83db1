"""MACE (Batatia et al., NeurIPS 2022; MACE-MP-0: J. Chem. Phys. 163 (2025) 184110): weights are a file that people fetch."""

from __future__ import annotations

from typing import Any, ClassVar

from aiida_mlhull.science.relaxation.calculators.relaxer import CalculatorRelaxer
from aiida_mlhull.science.relaxation.conventions import MP2020_RAW


class Mace(CalculatorRelaxer):
    """The foundation models MACE-MP-0, MACE-MPA-0 and others at the Materials Project's settings."""

    name: ClassVar[str] = "mace"
    scheme: ClassVar[str] = MP2020_RAW
    training: ClassVar[str] = "MPtrj (MACE-MP-0), with Alexandria's subset sAlex (MACE-MPA-0)"
    package: ClassVar[str] = "mace-torch"

    def load(self) -> Any:
        """The calculator, in double precision as its authors advise for relaxations."""
        from mace.calculators import MACECalculator  # noqa: PLC0415  (people install it)

        return MACECalculator(model_paths=[str(self.weights)], device=str(self.device), default_dtype="float64")
