"""One campaign that was made up, with ids that markup and spreadsheets trip over, and chances of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aiida_mlhull.science.campaign.promise import claim
from aiida_mlhull.science.report import make_report
from benchmarks.report import made_material

ROWS = 240


@pytest.fixture(scope="package")
def material():
    made = made_material(ROWS, seed=1, systems=6)
    last = replace(made.rounds[-1].decisions, values=np.full(len(made.rounds[-1].decisions), 0.125))
    kept = made.outcomes.keep
    told = claim(made.outcomes.values[kept], made.outcomes.ids[kept], last, window=0.025)
    return replace(made, stocks=[*made.stocks[:-1], {**made.stocks[-1], "promise": told}])


@pytest.fixture(scope="package")
def report(material):
    return make_report(material, watts_per_core=8.0)
