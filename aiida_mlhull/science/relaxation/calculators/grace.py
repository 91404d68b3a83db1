"""GRACE (Bochkarev, Lysogorskiy, Drautz, Phys. Rev. X 14 (2024) 021036): weights are a folder that people fetch."""

from __future__ import annotations

from typing import Any, ClassVar

from aiida_mlhull.science.relaxation.calculators.relaxer import CalculatorRelaxer
from aiida_mlhull.science.relaxation.conventions import MP2020_RAW


class Grace(CalculatorRelaxer):
    """The foundation models GRACE-OAM, which end at the Materials Project's settings."""

    name: ClassVar[str] = "grace"
    scheme: ClassVar[str] = MP2020_RAW
    training: ClassVar[str] = "OMat24, then sAlex and MPtrj"
    package: ClassVar[str] = "tensorpotential"

    def load(self) -> Any:
        """The calculator of a saved model."""
        from tensorpotential.calculator import TPCalculator  # noqa: PLC0415  (people install it)

        return TPCalculator(model=str(self.weights))
