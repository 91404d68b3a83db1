"""MatGL's models (Ko et al., npj Comput. Mater. 11 (2025) 253): weights are a folder that people fetch."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from aiida_mlhull.science.relaxation.calculators.relaxer import CalculatorRelaxer

MATPES_PBE: Final = "PBE, MatPES settings, not corrected"


class MatGL(CalculatorRelaxer):
    """TensorNet, M3GNet or CHGNet as trained on MatPES: PBE without U, at settings of its own."""

    name: ClassVar[str] = "matgl"
    scheme: ClassVar[str] = MATPES_PBE
    training: ClassVar[str] = "MatPES-PBE: static calculations of cells from molecular dynamics"
    package: ClassVar[str] = "matgl"

    def load(self) -> Any:
        """The calculator of a saved potential."""
        import matgl  # noqa: PLC0415  (people install it)
        from matgl.ext.ase import PESCalculator  # noqa: PLC0415

        return PESCalculator(matgl.load_model(str(self.weights)), stress_unit="eV/A3")
