"""A random forest on Magpie's features of the composition: the baseline of every model that reads compositions.

Source: Ward, Agrawal, Choudhary and Wolverton, npj Comput. Mater. 2 (2016) 16028; the baseline of Goodall and
Lee, Nat. Commun. 11 (2020) 6280. The 142 features are those of
:mod:`~aiida_mlhull.science.representations.magpie`. Structure is not read: polymorphs get the same prediction.
"""

from __future__ import annotations

from typing import ClassVar

from aiida_mlhull.science.models.families.forests import ForestModel
from aiida_mlhull.science.representations import Reads
from aiida_mlhull.science.representations.composition import SYMBOLS, fraction_matrix
from aiida_mlhull.science.representations.magpie import magpie
from aiida_mlhull.science.types import ModelRows
from aiida_mlhull.science.types.crystals import Floats


class MagpieForest(ForestModel):
    """See the module's text."""

    reads: ClassVar[Reads] = "composition"

    def represent(self, rows: ModelRows) -> Floats:
        """(n, 142) features of the formulas: cells of tables that have none are placeholders."""
        return magpie(fraction_matrix(rows.formulas.tolist(), SYMBOLS))
