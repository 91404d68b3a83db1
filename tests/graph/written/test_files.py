"""What a campaign gives people to read, in a folder."""

from __future__ import annotations

import pandas as pd
import pytest
from pymatgen.io.cif import CifParser

from aiida_mlhull.graph.written.files import write_report
from tests.graph.conftest import finished, registered  # noqa: F401  (fixtures)

pytestmark = pytest.mark.slow


def test_everything_that_the_campaign_knows_is_in_the_folder(finished, tmp_path):  # noqa: F811
    folder = tmp_path / "new" / "report"
    written = write_report(finished, folder)
    assert {path.name for path in written} == {path.name for path in folder.iterdir()} - {"plotly.min.js"}
    systems = finished.systems()
    assert systems
    for system in systems[:12]:
        assert (folder / f"phase_diagram_{system}.png").read_bytes().startswith(b"\x89PNG")
        assert system in (folder / f"phase_diagram_{system}.html").read_text("utf-8")
    assert (folder / "funnel.png").read_bytes().startswith(b"\x89PNG")
    assert (
        pd.read_csv(folder / "candidates.csv", keep_default_na=False)["id"].tolist() == finished.outcomes().ids.tolist()
    )
    results = pd.read_csv(folder / "results.csv", keep_default_na=False, na_values=[""])
    assert results["id"].tolist() == finished.results().ids.tolist()
    phases = finished.phases()
    on_hull = results.set_index("id").loc[phases.ids.tolist(), "e_above_hull_ev_per_atom"]
    assert on_hull.abs().max() < 1e-8
    assert len(CifParser(folder / "phases.cif").parse_structures(primitive=False)) == len(phases)
    assert len(pd.read_csv(folder / "rounds.csv")) == len(finished.rounds())
