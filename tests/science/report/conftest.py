"""One campaign that was made up, with ids that markup and spreadsheets trip over."""

from __future__ import annotations

import pytest

from aiida_mlhull.science.report import make_report
from benchmarks.report import made_material

ROWS = 240


@pytest.fixture(scope="package")
def material():
    return made_material(ROWS, seed=1, systems=6)


@pytest.fixture(scope="package")
def report(material):
    return make_report(material, watts_per_core=8.0)
