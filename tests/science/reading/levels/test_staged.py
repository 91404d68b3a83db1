"""Staged records from every kind of source: energies, costs and failures arrive, and what is missing is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from pymatgen.core import Lattice, Structure
from pymatgen.entries.computed_entries import ComputedStructureEntry

from aiida_mlhull.science.errors import InputError, MixedSchemesError, SettingsError, TableError
from aiida_mlhull.science.reading.levels.staged import missing_rows, read_level, read_staged

RECORDED = Path(__file__).parents[3] / "recorded_vasp"
DFT = Path(__file__).parents[4] / "benchmarks" / "data" / "dft_al_mg_si"


def structure(a: float, kinds: str = "NaCl") -> Structure:
    """A cell of caesium chloride's kind."""
    return Structure(Lattice.cubic(a), {"NaCl": ["Na", "Cl"], "KCl": ["K", "Cl"]}[kinds], [[0, 0, 0], [0.5] * 3])


def row(name: str, stage: str, energy: float | None, *, a: float = 3.5, kinds: str = "NaCl", **more: object) -> dict:
    """A row of a table of levels, as ``benchmarks/dft_campaign.py`` writes them."""
    cell = structure(a, kinds)
    return {
        "id": name,
        "formula": kinds,
        "stage": stage,
        "energy_per_atom_ev": energy,
        "failure": "",
        "core_minutes": 1.0,
        "lattice": cell.lattice.matrix.ravel().tolist(),
        "numbers": [site.specie.Z for site in cell],
        "frac_coords": cell.frac_coords.ravel().tolist(),
        **more,
    }


def table(path: Path, rows: list[dict]) -> Path:
    pd.DataFrame(rows).to_parquet(path)
    return path


def candidates(path: Path, names: dict[str, str]) -> Path:
    cells = {name: structure(4.0, kinds).as_dict() for name, kinds in names.items()}
    path.write_text(json.dumps(cells))
    return path


def test_a_table_of_stages_is_ordered_by_cost_and_keeps_what_it_says(tmp_path):
    rows = [
        row("a", "final", -3.0, core_minutes=50.0, a=3.3),
        row("b", "final", None, core_minutes=20.0, failure="out_of_time"),
        row("a", "coarse", -2.9, core_minutes=5.0),
        row("b", "coarse", -2.8, core_minutes=6.0, kinds="KCl"),
    ]
    rows[1]["numbers"], rows[1]["formula"] = [19, 17], "KCl"
    cells = candidates(tmp_path / "cells.json", {"a": "NaCl", "b": "KCl"})
    staged = read_staged([table(tmp_path / "stages.parquet", rows)], candidates=cells)
    coarse, final = staged.levels
    assert staged.names == ("coarse", "final")
    assert coarse.energies.tolist() == [-2.9, -2.8]
    assert coarse.core_minutes.tolist() == [5.0, 6.0]
    assert final.failures.tolist() == ["", "out_of_time"]
    assert final.energies[0] == -3.0
    assert np.isnan(final.energies[1])
    assert final.crystals.volumes[0] == pytest.approx(3.3**3)
    assert {coarse.cost_basis, final.cost_basis} == {"measured"}
    assert "coarse (5.5), final (35)" in " ".join(staged.remarks)
    assert not staged.bare


def test_names_settle_an_order_that_costs_don_t_tell(tmp_path):
    rows = [row("a", s, -1.0) for s in ("late", "early")] + [row("b", s, -1.0) for s in ("late", "early")]
    for one in rows:
        del one["core_minutes"]
    path = table(tmp_path / "stages.parquet", rows)
    with pytest.raises(InputError, match="--stages early,late"):
        read_staged([path])
    staged = read_staged([path], names=["early", "late"])
    assert staged.names == ("early", "late")
    assert {level.cost_basis for level in staged.levels} == {"nominal"}
    with pytest.raises(SettingsError, match="no level is called middle"):
        read_staged([path], names=["early", "middle"])


def test_missing_rows_are_named_but_not_those_after_a_failure(tmp_path):
    rows = [row(name, "one", -1.0) for name in "abcd"]
    rows[3] |= {"energy_per_atom_ev": None, "failure": "out_of_memory"}
    rows += [row(name, "two", -1.5, core_minutes=2.0) for name in "ab"]
    path = table(tmp_path / "stages.parquet", rows)
    with pytest.raises(TableError, match="level two has no row of 1: c"):
        read_staged([path])
    staged = read_staged([path], bad_rows="leave_out")
    assert staged.candidates.ids.tolist() == ["a", "b", "d"]
    assert [len(level) for level in staged.levels] == [3, 2]
    assert "1 candidates left out, whose record is not whole: level two has no row of 1: c" in staged.remarks
    assert missing_rows(staged.candidates.ids, staged.levels) == {}


def test_a_row_that_is_neither_result_nor_failure_is_named(tmp_path):
    path = table(tmp_path / "one.parquet", [row("a", "one", -1.0), row("b", "one", None), row("c", "one", -1.0)])
    with pytest.raises(TableError, match="neither an energy nor a reason of failure: b"):
        read_staged([path])
    assert read_staged([path], bad_rows="leave_out").candidates.ids.tolist() == ["a", "c"]


def test_other_words_of_failure_stay_behind_a_code(tmp_path):
    rows = [row("a", "one", None, failure="SCF diverged"), row("b", "one", -1.0), row("c", "one", -1.0)]
    (level,) = read_staged([table(tmp_path / "one.parquet", rows)]).levels
    assert level.failures.tolist() == ["engine_error: SCF diverged", "", ""]


def test_energies_of_several_schemes_in_one_level_are_refused(tmp_path):
    rows = [row("a", "one", -1.0, scheme="PBE"), row("b", "one", -1.0, scheme="r2SCAN")]
    with pytest.raises(MixedSchemesError, match="PBE, r2SCAN"):
        read_staged([table(tmp_path / "one.parquet", rows)])


def test_cells_of_another_compound_are_refused(tmp_path):
    cells = candidates(tmp_path / "cells.json", {"a": "NaCl", "b": "KCl"})
    path = table(tmp_path / "one.parquet", [row("a", "one", -1.0), row("b", "one", -1.0)])
    with pytest.raises(TableError, match="other compounds: b .NaCl there|other compounds: b \\(NaCl"):
        read_staged([path], candidates=cells)


def frames(path: Path, energies: dict[str, float | None], *, named: bool = True) -> Path:
    for name, energy in energies.items():
        cell = structure(3.0 + abs(energy or 0) / 10)
        atoms = Atoms("NaCl", cell=cell.lattice.matrix, pbc=True, scaled_positions=cell.frac_coords)
        atoms.info = {"core_minutes": 2.5, **({"structure_id": name} if named else {})}
        if energy is None:
            atoms.info["failure"] = "not_converged_ionically"
        else:
            atoms.calc = SinglePointCalculator(atoms, energy=2 * energy)
        write(path, atoms, format="extxyz", append=True)
    return path


def test_energies_in_extxyz_are_of_the_cell_and_become_per_atom(tmp_path):
    paths = [
        frames(tmp_path / "coarse.xyz", {"a": -3.0, "b": -2.0, "c": -1.0}),
        frames(tmp_path / "fine.xyz", {"c": -1.1, "b": None, "a": -3.1}),
    ]
    staged = read_staged(paths)
    assert staged.names == ("coarse", "fine")
    assert staged.levels[0].energies == pytest.approx([-3.0, -2.0, -1.0])
    assert staged.levels[1].energies[[0, 2]] == pytest.approx([-3.1, -1.1])
    assert staged.levels[1].failures.tolist() == ["", "not_converged_ionically", ""]
    assert staged.levels[0].core_minutes.tolist() == [2.5] * 3
    assert staged.bare
    assert "models can't decide before it" in " ".join(staged.remarks)


def test_frames_without_ids_go_by_their_order_if_compounds_agree(tmp_path):
    first = frames(tmp_path / "coarse.xyz", {"a": -3.0, "b": -2.0}, named=False)
    staged = read_staged([first, frames(tmp_path / "fine.xyz", {"a": -3.3, "b": -2.2}, named=False)])
    assert staged.levels[1].energies == pytest.approx([-3.3, -2.2])
    assert "told by the order" in " ".join(staged.remarks)
    short = frames(tmp_path / "short.xyz", {"a": -3.3, "b": -2.2, "c": -1.0}, named=False)
    with pytest.raises(InputError, match="structure_id"):
        read_staged([first, short])


def test_computed_entries_and_a_folder_with_a_table(tmp_path):
    entries = [
        ComputedStructureEntry(structure(3.4), 2 * e, entry_id=n).as_dict() for n, e in [("a", -3.0), ("b", -2.0)]
    ]
    path = tmp_path / "coarse.json"
    path.write_text(json.dumps(entries, default=str))
    folder = tmp_path / "fine"
    folder.mkdir()
    structure(3.3).to(str(folder / "a.cif"), fmt="cif")
    results = {"id": ["a", "b"], "energy_per_atom_ev": [-3.2, None], "failure": ["", "out_of_time"]}
    pd.DataFrame(results).to_csv(folder / "energies.csv", index=False)
    staged = read_staged([path, folder])
    assert staged.levels[0].energies.tolist() == [-3.0, -2.0]
    assert staged.levels[1].energies[0] == -3.2
    assert staged.levels[1].failures.tolist() == ["", "out_of_time"]
    assert staged.levels[1].crystals.volumes == pytest.approx([3.3**3, 3.4**3])


def test_a_tree_of_vasp_runs_agrees_with_pymatgen():
    from pymatgen.io.vasp import Vasprun

    level = read_level(RECORDED, bad_rows="leave_out")
    files = {str(path.parent.relative_to(RECORDED)): path for path in RECORDED.rglob("vasprun.xml")}
    assert set(files) <= set(level.sieve.ids.tolist())
    checked = 0
    for name, path in files.items():
        place = level.sieve.ids.tolist().index(name)
        if level.failures[place] == "" and level.sieve.good[place]:
            run = Vasprun(path, parse_dos=False, parse_eigen=False, parse_potcar_file=False)
            assert run.converged
            assert level.energies[place] == pytest.approx(float(run.final_energy) / len(run.final_structure))
            checked += 1
    assert checked
    assert (level.failures != "").any()


def test_the_record_of_the_dft_campaign_is_read_whole():
    found = pd.read_parquet(DFT / "stages.parquet")
    staged = read_staged([DFT / "stages.parquet"], candidates=DFT / "candidates.parquet", bad_rows="leave_out")
    assert len(staged.levels) == found["stage"].nunique()
    for level in staged.levels:
        theirs = found[found["stage"] == level.stage].set_index("id").loc[level.ids.tolist()]
        assert level.energies == pytest.approx(theirs["energy_per_atom_ev"].to_numpy(), nan_ok=True)
        assert level.core_minutes == pytest.approx(theirs["core_minutes"].to_numpy())
        assert level.scheme in set(theirs["scheme"])
