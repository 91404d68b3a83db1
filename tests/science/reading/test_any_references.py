"""Whatever a file of references holds, it ends in rows, reasons or an error of ours."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from aiida_mlhull.science.errors import MlhullError
from aiida_mlhull.science.reading import read_references
from aiida_mlhull.science.reading.phases.vasp_runs import load_runs
from aiida_mlhull.science.types.reasons import Stated, is_stated
from tests.science.sources.test_any_answer import anything, damaged

EXAMPLES = int(os.environ.get("MLHULL_FUZZ", "60"))

POTCARS = [{"titel": "PAW_PBE Zn 06Sep2000"}, {"titel": "PAW_PBE O 08Apr2002"}]


def entry(name, composition, energy):
    parameters = {"run_type": "GGA", "hubbards": {}, "potcar_spec": POTCARS}
    return {
        "@class": "ComputedEntry",
        "entry_id": name,
        "composition": composition,
        "energy": energy,
        "correction": 0.0,
        "energy_adjustments": [{"value": 0.0, "name": "none", "cls": {"@class": "X"}}],
        "parameters": parameters,
        "data": {"oxide_type": "oxide"},
    }


ENTRIES = [entry("a", {"Zn": 2}, -2.5), entry("b", {"O": 2}, -9.8), entry("c", {"Zn": 1, "O": 1}, -9.0)]
DOCUMENTS = [
    {
        "material_id": f"mp-{number}",
        "thermo_type": "GGA_GGA+U",
        "formula_pretty": formula,
        "composition": composition,
        "energy_per_atom": -2.0,
        "uncorrected_energy_per_atom": -1.9,
        "energy_type": "GGA",
    }
    for number, (formula, composition) in enumerate([("Zn", {"Zn": 1}), ("O2", {"O": 2}), ("ZnO", {"Zn": 1, "O": 1})])
]
ELEMENTS = {"Zn": -1.2, "O": -4.9}


def ends_well(content, **wanted):
    """Read the bytes as references; what comes out adds up, or an error says why."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.json"
        path.write_bytes(content)
        try:
            intake = read_references(path, bad_rows="leave_out", **wanted)
        except MlhullError:
            return
    assert len(intake.references) > 0
    assert all(is_stated(reason, Stated.READER) for reason in intake.left_out.reasons.tolist())


corrections = st.sampled_from(["mp2020", "none", "included", "auto", None])
schemes = st.sampled_from(["as published", "PBE", "mp-pbe-2020", "mp-mixed-r2scan", "r2SCAN, mine"])
only = st.sampled_from(["", "", "PBE", "GGA_GGA+U"])


@settings(max_examples=EXAMPLES, deadline=None)
@given(damaged(ENTRIES) | damaged(DOCUMENTS) | damaged(ELEMENTS) | anything, corrections, schemes, only)
def test_any_json(content, corrections, scheme, only):
    ends_well(json.dumps(content).encode(), corrections=corrections, scheme=scheme, only=only)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(content):
    ends_well(content)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet="<>/vasprun modelingc\"='", max_size=200).map(str.encode))
def test_any_bytes_as_a_calculation(content):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "vasprun.xml").write_bytes(content)
        loaded = load_runs(Path(folder))
    assert len(loaded.refusals) == 1
