"""CIF: pymatgen reads each data block by itself, and the block's own formula and Z vouch for what came.

Blocks are told apart here, with text fields in mind: pymatgen keeps one of several of the same name. Tags are
brought to the spelling that pymatgen knows. A block without symmetry operations whose group has several settings is
read in each that its name and cell allow (:mod:`~aiida_mlhull.science.reading.structures.cif_settings`).

What pymatgen warns of is settled by the stated formula and Z where these agree with the sites; else it is a reason.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull.science.errors import FormulaError, listed
from aiida_mlhull.science.reading.rows import StructureRow, refused, usable
from aiida_mlhull.science.reading.structures.cif_settings import Setting, only_identity, says_p1, settings_of
from aiida_mlhull.science.reading.warned import attempt
from aiida_mlhull.science.representations.composition import agrees, from_amounts, reduce_formula
from aiida_mlhull.science.representations.formulas import amounts_in
from aiida_mlhull.science.types.reasons import Reason

if TYPE_CHECKING:
    from pymatgen.core import Structure
    from pymatgen.io.cif import CifBlock

SITES: Final = ("_atom_site_fract_x", "_atom_site_Cartn_x")
POSITIONS: Final = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")
FORMULAS: Final = ("_chemical_formula_sum", "_chemical_formula_structural", "_chemical_formula_moiety")
UNITS: Final = "_cell_formula_units_Z"
HYDROGENS: Final = "_atom_site_attached_hydrogens"
LABEL: Final = "_atom_site_label"
SYMBOL: Final = "_atom_site_type_symbol"

_EMPTY: Final = {"", "?", "."}
_HEADER: Final = re.compile(r"\s*data_(\S*)", re.IGNORECASE)
_WITH_WATER: Final = re.compile(r"(?:O?[Ww]at|O[WwHh]|H2O|OH)", re.ASCII)
"""Labels of oxygen that stands for a hydroxide ion or water."""

_SETTLED: Final = re.compile(
    r"Defaulting to P1|1-line symmetry op|parsed as|Incorrect stoichiometry|Missing elements|Spacegroup|CIF=|PMG=|ratios="
)
"""What a formula and Z that agree with the sites prove to be right."""

_ONE_LINE: Final = re.compile("1-line symmetry op")
"""The identity without a loop around it: what it should be where the group is P1."""

_TAGS: Final = {
    tag.lower(): tag
    for tag in (
        *("_symmetry_space_group_name_H-M", "_symmetry_Int_Tables_number", "_symmetry_equiv_pos_as_xyz"),
        *("_space_group_name_H-M_alt", "_space_group_IT_number", "_space_group_symop_operation_xyz"),
        *("_space_group_name_Hall", "_chemical_formula_sum", "_chemical_formula_structural", UNITS),
        "_chemical_formula_moiety",
        *(f"_cell_{kind}" for kind in ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")),
        *(f"_atom_site_{kind}" for kind in ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")),
        *("_atom_site_Cartn_x", "_atom_site_Cartn_y", "_atom_site_Cartn_z", HYDROGENS),
        *("_atom_type_symbol", "_atom_type_oxidation_number"),
    )
}
"""Spellings that pymatgen knows; CIF's tags are the same in capitals, and newer dictionaries put a point in them."""

_OTHER_TAGS: Final = {
    "_symmetry_space_group_name_h-m_alt": "_symmetry_space_group_name_H-M",
    "_space_group_name_h-m": "_symmetry_space_group_name_H-M",
    "_space_group_name_h-m_full": "_symmetry_space_group_name_H-M",
    "_space_group_name_h-m_ref": "_symmetry_space_group_name_H-M",
    "_space_group_symop_xyz": "_space_group_symop_operation_xyz",
}


@dataclass(frozen=True)
class DataBlock:
    """A data block.

    Attributes:
        name: behind ``data_``; may be empty.
        text: of the block, header and all.
        has_sites: whether it lists atoms, its text fields apart.
    """

    name: str
    text: str
    has_sites: bool


def read_cif(text: str, *, name: str, place: str) -> list[StructureRow]:
    """Rows of a CIF: its crystal, or one for every data block with sites, by the block's name.

    Args:
        text: of the file.
        name: id of the file.
        place: where it is.
    """
    blocks = [block for block in blocks_of(text) if block.has_sites]
    if not blocks:
        return [refused(name, place, Reason.UNREADABLE, "no data block with atom sites")]
    if len(blocks) == 1:
        return [_row(blocks[0], name, place)]
    names = _unique([block.name for block in blocks])
    return [_row(block, f"{name}/{one}", f"{place} {one}") for block, one in zip(blocks, names, strict=True)]


def blocks_of(text: str) -> list[DataBlock]:
    """Data blocks, with tags as pymatgen spells them; text fields hold no headers."""
    blocks: list[tuple[str, list[str]]] = []
    with_sites = set[int]()
    inside = False
    for line in text.split("\n"):
        if line.startswith(";"):
            inside = not inside
        header = _HEADER.match(line)
        if header and not inside:
            blocks.append((header[1], [f"data_{header[1] or 'unnamed'}"]))
        elif blocks:
            # pymatgen looks for headers in text fields, too
            blocks[-1][1].append(f"|{line}" if header else line if inside else _spelled(line))
            if not inside and any(site in blocks[-1][1][-1] for site in SITES):
                with_sites.add(len(blocks) - 1)
    return [DataBlock(name, "\n".join(lines), at in with_sites) for at, (name, lines) in enumerate(blocks)]


def _spelled(line: str) -> str:
    word = line.split(maxsplit=1)[0] if line.lstrip().startswith("_") else ""
    plain = word.lower().replace(".", "_")
    spelling = _TAGS.get(plain) or _OTHER_TAGS.get(plain)
    return line.replace(word, spelling, 1) if spelling else line


def _unique(names: list[str]) -> list[str]:
    """Names that can be told apart: empty ones are numbers, repeated ones end with one."""
    filled = [name or str(number) for number, name in enumerate(names, start=1)]
    counts, seen = Counter(filled), Counter[str]()
    result = []
    for name in filled:
        seen[name] += 1
        result.append(name if counts[name] == 1 else f"{name}_{seen[name]}")
    return result if len(set(result)) == len(result) else [f"{name}_{n}" for n, name in enumerate(filled, start=1)]


def _row(block: DataBlock, name: str, place: str) -> StructureRow:
    """The crystal of a block, in the one setting that agrees with what the block says of itself."""
    parsed = attempt(lambda: _block(block))
    if parsed.value is None:
        return refused(name, place, Reason.UNREADABLE, parsed.detail)
    data = parsed.value.data
    unplaced = _unplaced(data)
    if unplaced:
        return refused(name, place, *unplaced)
    found = attempt(lambda: settings_of(data))
    if found.value is None:
        return refused(name, place, Reason.NO_SYMMETRY, found.detail)
    rows = [_in_setting(block, data, setting, name, place) for setting in found.value]
    good = [row for row in rows if not row.reason]
    if len(good) > 1 and not _same([row.structure for row in good if row.structure]):
        words = " and ".join(setting.words for setting in found.value)
        return refused(name, place, Reason.NO_SYMMETRY, f"no operations, and {words} are possible")
    return good[0] if good else rows[0]


def _unplaced(data: dict[str, Any]) -> tuple[Reason, str] | None:
    """Why some atoms have no fractional position; None if all have one."""
    columns = [_column(data, tag) for tag in POSITIONS]
    if not all(columns):
        return Reason.UNREADABLE, "positions are not fractional: write _atom_site_fract_x, _y and _z"
    lacking = sorted({row for column in columns for row, value in enumerate(column) if str(value) in _EMPTY})
    labels = _column(data, LABEL)
    names = [str(labels[row]) if row < len(labels) else f"atom {row + 1}" for row in lacking]
    return (Reason.IMPLICIT_ATOMS, f"without a position: {listed(names)}") if names else None


def _same(structures: list[Structure]) -> bool:
    from pymatgen.analysis.structure_matcher import StructureMatcher  # noqa: PLC0415  (slow import)

    matcher = StructureMatcher(primitive_cell=False, scale=False)
    return all(matcher.fit(structures[0], other) for other in structures[1:])


def _block(block: DataBlock) -> CifBlock:
    from pymatgen.io.cif import CifFile  # noqa: PLC0415  (slow import)

    (data,) = CifFile.from_str(block.text).data.values()
    return data


def _in_setting(block: DataBlock, data: dict[str, Any], setting: Setting, name: str, place: str) -> StructureRow:
    """The crystal with these operations, compared with the block's formula, Z, and attached hydrogens."""
    read = attempt(lambda: _structure(block.text + setting.loop))
    if read.value is None:
        return refused(name, place, Reason.DISORDERED if "ccupanc" in read.detail else Reason.UNREADABLE, read.detail)
    row = usable(StructureRow(name, place, read.value))
    if row.structure is None:
        return row
    hidden = _hidden_hydrogens(data, row.structure)
    if hidden:
        return refused(name, place, Reason.IMPLICIT_ATOMS, hidden)
    vouched, row = _held(row, data)
    if not row.reason and not vouched and only_identity(data) and not says_p1(data):
        return refused(name, place, Reason.NO_SYMMETRY, "its only operation is the identity, but its group is not P1")
    settled = _SETTLED if vouched else _ONE_LINE if says_p1(data) else None
    left = [line for line in read.warned if settled is None or not settled.search(line)]
    if row.reason or not left:
        return row
    unstated = any("Defaulting to P1" in line or "Spacegroup" in line for line in left)
    return refused(name, place, Reason.NO_SYMMETRY if unstated else Reason.LIBRARY_WARNED, "; ".join(left))


def _structure(text: str) -> Structure:
    from pymatgen.io.cif import CifParser  # noqa: PLC0415  (slow import)

    (structure,) = CifParser.from_str(text).parse_structures(primitive=False)
    return structure


def _held(row: StructureRow, data: dict[str, Any]) -> tuple[bool, StructureRow]:
    """Whether formula and Z vouch for the sites; and the row, with a reason where they contradict them."""
    assert row.structure is not None
    cell = from_amounts(row.structure.composition.get_el_amt_dict())
    formula, unreadable = _stated(data)
    if unreadable:
        return False, replace(row, structure=None, reason=Reason.UNREADABLE_FORMULA, detail=unreadable)
    if not formula:
        return False, row
    if not agrees(formula, cell):
        detail = f"stated {formula}, cell {cell.formula}"
        return False, replace(row, structure=None, reason=Reason.FORMULA_DIFFERS, detail=detail)
    expected = _atoms(data, formula)
    if not expected:
        return False, row
    if all(abs(atoms - len(row.structure)) > 0.5 for atoms in expected):  # noqa: PLR2004  (amounts may be rounded)
        detail = (
            f"stated {' or '.join(f'{n:g}' for n in expected)} ({formula}, Z {data[UNITS]}), cell {len(row.structure)}"
        )
        return False, replace(row, structure=None, reason=Reason.COUNT_DIFFERS, detail=detail)
    return True, row


def _stated(data: dict[str, Any]) -> tuple[str, str]:
    """The formula that a block states, and why it can't be read."""
    for tag in FORMULAS:
        value = data.get(tag)
        text = " ".join(str(value).replace(",", " ").split()) if isinstance(value, str) else ""
        if text in _EMPTY:
            continue
        try:
            reduce_formula(text)
        except FormulaError as error:
            if tag == FORMULAS[0]:
                return "", str(error)
            continue
        return text, ""
    return "", ""


def _atoms(data: dict[str, Any], formula: str) -> list[float]:
    """Atoms of Z formula units, or of Z of the smallest ones, which pymatgen writes; none where there is no Z."""
    units = re.fullmatch(r"(\d{1,6})(?:\(\d+\))?", str(data.get(UNITS, "")).strip())
    if not units:
        return []
    stated = float(sum(amount.value for amount in amounts_in(formula).values()))
    smallest = reduce_formula(formula).atoms
    return sorted({int(units[1]) * atoms for atoms in (stated, *([smallest] if stated.is_integer() else []))})


def _hidden_hydrogens(data: dict[str, Any], structure: Structure) -> str:
    """What says that hydrogens without a position belong to the sites; empty if nothing does."""
    attached = [str(value) for value in _column(data, HYDROGENS)]
    if any(value not in _EMPTY and re.match(r"0*[1-9]|0*\.0*[1-9]", value) for value in attached):
        return f"{HYDROGENS}: {' '.join(attached)}"
    if {"H", "D", "T"} & {str(getattr(species, "symbol", species)) for species in structure.composition}:
        return ""
    names = [str(value) for tag in (SYMBOL, LABEL) for value in _column(data, tag) if _WITH_WATER.match(str(value))]
    return f"{', '.join(dict.fromkeys(names))} without hydrogen" if names else ""


def _column(data: dict[str, Any], tag: str) -> list[Any]:
    value = data.get(tag, [])
    return value if isinstance(value, list) else [value]
