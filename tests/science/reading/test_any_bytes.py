"""Any bytes end in rows, reasons or one of the package's errors: never in another exception, a hang or in memory.

The long form draws as many examples as asked for and prints what came of them::

    python -m tests.science.reading.test_any_bytes EXAMPLES SECONDS [READER...]
"""

from __future__ import annotations

import base64
import gzip
import json
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from aiida_mlhull.science.errors import MlhullError
from aiida_mlhull.science.reading.candidates import read_crystals
from aiida_mlhull.science.reading.properties import read_properties
from aiida_mlhull.science.reading.references import read_references

CIF = b"""data_x
_symmetry_space_group_name_H-M 'P 1'
_cell_length_a 4.0
_cell_length_b 4.1
_cell_length_c 4.2
_cell_angle_alpha 90
_cell_angle_beta 91
_cell_angle_gamma 90
_chemical_formula_sum 'Na Cl'
_cell_formula_units_Z 1
loop_
_symmetry_equiv_pos_as_xyz
'x, y, z'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Na1 Na 0 0 0 1
Cl1 Cl 0.5 0.5 0.5 1
"""
POSCAR = b"Ti N\n-38.0\n0 2 2\n2 0 2\n2 2 0\nTi N\n1 1\nCartesian\n0 0 0\n2 0 0\n"
XYZ = b'2\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3 pbc="T T T"\nCs 0 0 0\nCl 2 2 2\n' * 2
ENTRY = {
    "id": "a",
    "structure": {
        "lattice": {"matrix": np.diag([4.0, 4.1, 4.2]).tolist(), "pbc": [True, True, True]},
        "sites": [
            {"species": [{"element": "Ti", "occu": 1}], "abc": [0, 0, 0], "label": "Ti", "properties": {}},
            {"species": [{"element": "N", "occu": 1}], "abc": [0.5, 0.5, 0.5], "label": "N", "properties": {}},
        ],
    },
}
TABLE = b"""id,formula,gap,lattice,species,frac_coords
a,TiN,1.0,"[4,0,0,0,4,0,0,0,4]","['Ti','N']","[0,0,0,0.5,0.5,0.5]"
b,ZrN,NA,"[[4,0,0],[0,4,0],[0,0,4]]","['Zr' 'N']","[0. 0. 0. 0.5 0.5 0.5]"
"""
PHASES = b"formula,energy_ev_per_atom\nTi,-7.9\nN2,-8.3\nTiN,-9.8\nCuSO4.5H2O,-5\nTi0.99N0.01,-1\n"


def crystals(path):
    return read_crystals(path, bad_rows="leave_out")


READERS = {
    "cif": ("a.cif", CIF, crystals),
    "packed cif": ("a.cif.gz", gzip.compress(CIF, mtime=0), crystals),
    "poscar": ("POSCAR", POSCAR, crystals),
    "extxyz": ("a.xyz", XYZ, crystals),
    "json": ("a.json", json.dumps([ENTRY, {**ENTRY, "id": "b"}]).encode(), crystals),
    "csv": ("a.csv", TABLE, crystals),
    "properties": ("a.csv", TABLE, lambda path: read_properties(path, target="gap", bad_rows="leave_out")),
    "phases": ("a.csv", PHASES, lambda path: read_references(path, bad_rows="leave_out")),
}
SLOW = 2.0
"""CPU seconds; an example that takes longer is kept."""

TOKENS = (b"0", b"-1", b"1e308", b"1e-300", b"nan", b"inf", b"999999999", b"data_", b"loop_", b"\n", b";", b"'", b"[", b"{", b"}",
          b"]", b",", b"\x00", b"\xff\xfe", b"Xx", b"D", b"?", b".", b"_atom_site_fract_x", b"null", b'"', b" ", b"1/0", b"x,y,z")  # fmt: skip


def spoiled(original):
    """Bytes of a sound file, some of which are exchanged, left out or repeated; or any bytes."""
    place = st.integers(0, len(original))
    change = st.tuples(place, st.integers(0, 12), st.sampled_from(TOKENS) | st.binary(max_size=6))

    def apply(changes):
        content = original
        for at, width, new in changes:
            content = content[:at] + new + content[at + width :]
        return content

    return st.lists(change, min_size=1, max_size=6).map(apply) | st.binary(max_size=200)


def outcome(name, content, folder):
    """What came of it: rows, or the error's code."""
    file, _, reader = READERS[name]
    path = Path(folder) / file
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            read = reader(path)
        except MlhullError as error:
            return error.code
    return "rows" if not len(read.left_out) else "rows and reasons"


@pytest.mark.parametrize("name", READERS)
def test_any_bytes_end_in_rows_reasons_or_an_error_of_ours(name, tmp_path):
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(spoiled(READERS[name][1]))
    def check(content):
        outcome(name, content, tmp_path)

    check()


@pytest.mark.parametrize("name", READERS)
def test_the_sound_files_are_read(name, tmp_path):
    assert outcome(name, READERS[name][1], tmp_path).startswith("rows")


def drawn(name, number, folder, *, examples, seconds):
    """What came of so many examples, or of so many seconds: outcomes, the slowest one, the first of each fault.

    Beside them the memory in MiB at every twentieth of the time: growth has to level off.
    """
    counts, slowest, faults, start = Counter(), (0.0, b""), {}, time.monotonic()
    held = [held_mib()]

    @seed(number)
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None,
              phases=[Phase.generate])  # fmt: skip
    @given(spoiled(READERS[name][1]))
    def check(content):
        nonlocal slowest
        if time.monotonic() - start < seconds:
            began = time.process_time()
            try:
                came = outcome(name, content, folder)
            except Exception as fault:  # noqa: BLE001  (the long form goes on, and tells of it at its end)
                came = f"{type(fault).__name__}: {fault}"[:200]
                faults.setdefault(came, base64.b64encode(content).decode())
            counts[came] += 1
            slowest = max(slowest, (time.process_time() - began, content))
            if time.monotonic() - start > len(held) * seconds / 20:
                held.append(held_mib())

    check()
    return counts, slowest, faults, [*held, held_mib()]


def held_mib():
    """The memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // 2**20


def long_form(examples, seconds, names):
    """Every reader so often, or so long; one line of JSON each. Times are CPU seconds."""
    for number, name in enumerate(READERS):
        if name in names:
            with tempfile.TemporaryDirectory() as folder:
                for content in (READERS[name][1], b"x", b"") * 20:
                    outcome(name, content, folder)  # libraries are loaded, caches filled
                counts, slowest, faults, held = drawn(name, number, folder, examples=examples, seconds=seconds)
            facts = {"reader": name, "seed": number, "examples": counts.total(), "outcomes": dict(counts)}
            facts |= {"slowest_s": round(slowest[0], 2), "held_mib": held, "faults": faults}
            if slowest[0] > SLOW:
                facts["slowest"] = base64.b64encode(slowest[1]).decode()
            sys.stdout.write(json.dumps(facts) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    long_form(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:] or READERS)
