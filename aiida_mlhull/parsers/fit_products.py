"""Parser ``mlhull.fit_products``: a fitted ensemble of a product model."""

from __future__ import annotations

from aiida_mlhull.parsers.fit import FitParser
from aiida_mlhull.science.products.ensemble import ProductSettings


class FitProductsParser(FitParser):
    """The rows of an ensemble are its members."""

    def expected(self) -> int:
        """Members that were asked for."""
        return ProductSettings.model_validate(self.node.inputs.settings.get_dict()).members
