"""Make the excerpt that the package ships for its demo, from the published data sets.

    python -m benchmarks.make_demo_data FOLDER

FOLDER holds ``hypothetical_pairs.parquet``, ``competing_phases_icsd_pbe.parquet`` and
``elemental_reference_energies_ev_per_atom.json``. The excerpt is written to ``aiida_mlhull/demo_data``;
its sources stand there in ``SOURCE.md``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aiida_mlhull.science.representations.composition import chemical_system

SYSTEMS = ("As-Cd-Rb", "As-Be-Rb")
"""Two ternaries that share the binary As-Rb: many known phases, and four hypothetical ones on the hull."""

UNCLEAN = 8
"""Rows of these systems whose two cells are of different composition, to be refused with a reason."""

COLUMNS = (
    "structure_id",
    "reduced_formula",
    "csv_composition",
    "energy_per_atom_ev",
    "lattice_unrelaxed",
    "species_unrelaxed",
    "frac_coords_unrelaxed",
    "lattice_relaxed",
    "species_relaxed",
    "frac_coords_relaxed",
    "clean_pair",
)
TARGET = Path(__file__).parents[1] / "aiida_mlhull" / "demo_data"


def inside(system: str) -> bool:
    """Whether a chemical system is one of ours or a part of it."""
    return any(set(system.split("-")) <= set(ternary.split("-")) for ternary in SYSTEMS)


def candidates(folder: Path) -> pa.Table:
    """All clean rows of the systems and the first few unclean ones, by id."""
    table = pq.read_table(folder / "hypothetical_pairs.parquet")
    ours = table.filter(pa.array([inside(system) for system in table["chemsys"].to_pylist()]))
    unclean = ours.filter(pc.invert(ours["clean_pair"])).sort_by("structure_id").slice(0, UNCLEAN)
    both = pa.concat_tables([ours.filter(ours["clean_pair"]), unclean])
    return both.sort_by("structure_id").select(COLUMNS)


def competing_phases(folder: Path) -> pa.Table:
    """The known phases of the systems."""
    table = pq.read_table(folder / "competing_phases_icsd_pbe.parquet")
    systems = [chemical_system(formula) for formula in table["reduced_composition"].to_pylist()]
    return table.filter(pa.array([inside(system) for system in systems]))


def elements(folder: Path) -> dict[str, float]:
    """The elements' energies in eV/atom."""
    energies: dict[str, float] = json.loads((folder / "elemental_reference_energies_ev_per_atom.json").read_text())
    return {symbol: energy for symbol, energy in energies.items() if inside(symbol)}


def main() -> None:
    """Write the three files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the published data sets lie")
    folder = parser.parse_args().folder
    TARGET.mkdir(exist_ok=True)
    for name, table in (
        ("hypothetical_pnictides.parquet", candidates(folder)),
        ("competing_phases.parquet", competing_phases(folder)),
    ):
        path = TARGET / name
        pq.write_table(table.replace_schema_metadata(None), path, compression="zstd", compression_level=19)
        print(f"{name}: {table.num_rows} rows, {path.stat().st_size / 1000:.0f} kB")
    (TARGET / "elements.json").write_text(json.dumps(elements(folder), indent=1) + "\n")


if __name__ == "__main__":
    main()
