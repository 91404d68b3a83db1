"""ORB v3 (Rhodes et al., arXiv:2504.06231): weights are a file that people fetch."""

from __future__ import annotations

from typing import Any, ClassVar

from aiida_mlhull.science.relaxation.calculators.relaxer import CalculatorRelaxer
from aiida_mlhull.science.relaxation.conventions import MP2020_RAW


class Orb(CalculatorRelaxer):
    """The conservative model with unlimited neighbors, trained at the Materials Project's settings."""

    name: ClassVar[str] = "orb"
    scheme: ClassVar[str] = MP2020_RAW
    training: ClassVar[str] = "MPtrj and Alexandria"
    package: ClassVar[str] = "orb-models"

    def load(self) -> Any:
        """The calculator of orb-v3-conservative-inf-mpa."""
        from orb_models.forcefield import pretrained  # noqa: PLC0415  (people install it)
        from orb_models.forcefield.calculator import ORBCalculator  # noqa: PLC0415

        network = pretrained.orb_v3_conservative_inf_mpa(
            weights_path=str(self.weights), device=self.device, precision="float32-highest", compile=False
        )
        return ORBCalculator(network, device=self.device)
