"""New chemistry from the command line: no record, a universal potential relaxes."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import DEMO, run

SCHEME = "PBE(+U) at Materials Project settings, MP2020-corrected"
FEW = 4


@pytest.mark.slow
@pytest.mark.usefixtures("registered")
def test_candidates_without_results_are_relaxed_for_real(desk):
    pytest.importorskip("chgnet")
    from aiida_mlhull.graph import campaigns, results

    path = desk.table()
    table = pq.read_table(path)
    sites = [len(species) for species in table["species_unrelaxed"].to_pylist()]
    smallest = np.argsort(sites, kind="stable")[:FEW]
    cells = [name for name in table.column_names if not name.endswith("_relaxed") and name != "energy_per_atom_ev"]
    pq.write_table(table.take(smallest).select(cells), path)
    references = {
        "file": str(DEMO / "competing_phases.parquet"),
        "elements": str(DEMO / "elements.json"),
        "scheme": SCHEME,
    }
    campaign = desk.campaign(protocol="potential", references=references, overrides={})

    plan = run("launch", campaign, "--dry-run")
    assert plan.exit_code == 0, plan.output
    assert f"potential all {FEW} {FEW} measured" in " ".join(plan.output.split())

    result = run("launch", campaign, "--foreground")
    assert result.exit_code == 0, result.output
    assert "no models were asked" in result.output
    node = campaigns.newest()[0]
    results = results.results(node)
    assert len(results) == FEW
    assert results.succeeded.all()
    assert (results.core_minutes > 0).all()
    assert results.cost_basis == "measured"
    assert results.scheme == SCHEME
    assert run("report", node.pk, "--output", desk.folder / "report").exit_code == 0
    assert not (desk.folder / "report" / "rounds.csv").exists()
