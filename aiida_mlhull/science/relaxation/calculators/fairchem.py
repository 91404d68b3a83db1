"""FAIR Chemistry's models (UMA: Wood et al., arXiv:2506.23971): weights are a file that people fetch.

OMat24's pseudopotentials differ from those that the MP2020 corrections were fitted to: its energies are a scheme of
their own, and neither corrections nor references of the Materials Project fit them.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from aiida_mlhull.science.relaxation.calculators.relaxer import CalculatorRelaxer

OMAT24: Final = "PBE(+U) at OMat24 settings, not corrected"


class FairChem(CalculatorRelaxer):
    """UMA, its output for inorganic materials."""

    name: ClassVar[str] = "fairchem"
    scheme: ClassVar[str] = OMAT24
    training: ClassVar[str] = "OMat24, beside molecules, surfaces and frameworks"
    package: ClassVar[str] = "fairchem-core"

    def load(self) -> Any:
        """The calculator of a checkpoint, asked as inorganic material."""
        from fairchem.core import FAIRChemCalculator  # noqa: PLC0415  (people install it)
        from fairchem.core.units.mlip_unit import load_predict_unit  # noqa: PLC0415

        return FAIRChemCalculator(load_predict_unit(str(self.weights), device=self.device.type), task_name="omat")
