"""Phases on the hull as files: the same rows, whatever the suffix."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from aiida_mlhull.science.campaign.phase_table import phase_facts, write_phases
from aiida_mlhull.science.errors import WireError
from aiida_mlhull.science.hull.placement import place
from aiida_mlhull.science.types import References


@pytest.fixture
def placed():
    """TiN at -1 eV/atom, and Ti2N a little above the line to titanium."""
    known = References.from_rows(ids=["Ti", "N"], formulas=["Ti", "N2"], energies=np.zeros(2), scheme="PBE")
    phases = References.from_rows(
        ids=["a", "b"], formulas=["TiN", "Ti2N"], energies=np.asarray([-1.0, -0.6]), scheme="PBE"
    )
    return place(phases, known)


def test_every_suffix_holds_the_same(placed, tmp_path):
    for suffix in (".csv", ".parquet", ".json"):
        write_phases(placed, tmp_path / f"phases{suffix}")
    plain = pd.read_csv(tmp_path / "phases.csv")
    packed = pd.read_parquet(tmp_path / "phases.parquet")
    records = json.loads((tmp_path / "phases.json").read_text("utf-8"))
    for frame in (plain, packed, pd.DataFrame(records)):
        assert frame["id"].tolist() == ["a", "b"]
        np.testing.assert_allclose(frame["e_above_hull_ev_per_atom"], [0.0, 2 / 3 - 0.6], atol=1e-9)
        assert frame["on_hull"].tolist() == [True, False]
        assert frame["scheme"].tolist() == ["PBE", "PBE"]
    with pytest.raises(WireError, match="phases.xlsx: phases are written as"):
        write_phases(placed, tmp_path / "phases.xlsx")


def test_facts_for_people(placed):
    facts = dict(phase_facts(placed, 1))
    assert facts["above the hull"] == "0.0667 eV/atom"
