"""The archive of the promoted phases can be imported, and holds the record's energies with all that led to them."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from aiida import orm
from aiida.tools.archive import import_archive

from aiida_mlhull import names
from aiida_mlhull.data import LabelsData, ReferencesData
from benchmarks.dft_archive import GROUP, promoted
from benchmarks.dft_order import RESULTS


@pytest.mark.usefixtures("empty_profile")
def test_energies_and_provenance_of_the_promoted_phases() -> None:
    import_archive(RESULTS / "promoted.aiida")
    nodes = list(orm.load_group(GROUP).nodes)
    (labels,) = [node for node in nodes if isinstance(node, LabelsData)]
    (references,) = [node for node in nodes if isinstance(node, ReferencesData)]
    elements = json.loads((RESULTS / "summary.json").read_text())["references_ev_per_atom"]
    known, found = references.to_science(), labels.to_science()
    assert dict(zip(known.ids.tolist(), known.energies.tolist(), strict=True)) == pytest.approx(elements, abs=1e-9)
    rows = pd.read_parquet(RESULTS / "stages.parquet")
    final = rows.query("stage == 'final'").set_index("id")["energy_per_atom_ev"]
    assert sorted(found.ids.tolist()) == sorted(promoted(rows, elements))
    assert sorted(found.formulas.tolist()) == ["Mg2Si", "Mg2Si", "Mg2Si", "MgAl2", "MgAl2"]
    assert found.energies == pytest.approx(final.loc[found.ids].to_numpy(), abs=1e-9)
    assert found.scheme == rows["scheme"][rows["stage"] == "final"].iloc[0] == known.scheme
    jobs = orm.QueryBuilder().append(orm.CalcJobNode, filters=names.any_of(names.PW_CALCULATION)).all(flat=True)
    assert {"Al", "Mg", "Si", *found.ids.tolist()} <= {job.label for job in jobs}
    last = max(jobs, key=lambda job: job.pk)
    assert "JOB DONE" in last.outputs.retrieved.get_object_content("aiida.out")
