"""The published cost of a staged campaign, in both conventions."""

from __future__ import annotations

import pytest

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.metrics import CampaignCost


@pytest.fixture
def hafnium_zinc_nitrogen():
    """Ekström, Lindsten, Armiento 2022: the Hf-Zn-N campaign."""
    return CampaignCost.from_counts(["volume", "shape", "full"], [4779, 2227, 1210], [5, 60, 540], trained_on=60)


def test_the_published_1417_in_both_conventions(hafnium_zinc_nitrogen):
    assert hafnium_zinc_nitrogen.core_minutes == 847_215
    assert hafnium_zinc_nitrogen.full_chains == pytest.approx(1400.4, abs=0.05)
    assert hafnium_zinc_nitrogen.last_stage_equivalents == pytest.approx(1416.0, abs=0.05)
    assert 1.0 - hafnium_zinc_nitrogen.saved_fraction == pytest.approx(0.289, abs=5e-4)
    assert hafnium_zinc_nitrogen.candidates == 4839


def test_keeping_everything_saves_nothing():
    ledger = CampaignCost.from_counts(["a", "b"], [10, 10], [1.0, 9.0], trained_on=5)
    assert ledger.saved_fraction == pytest.approx(0.0)
    assert ledger.full_chains == pytest.approx(15.0)
    assert ledger.last_stage_equivalents == pytest.approx(15.0)


def test_nobody_turns_up_in_the_middle():
    with pytest.raises(TableError, match=r"\[10, 12\]"):
        CampaignCost.from_counts(["a", "b"], [10, 12], [1.0, 9.0])
    with pytest.raises(TableError, match="stages"):
        CampaignCost(stages=())
