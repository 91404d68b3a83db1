"""Operations of a space group that a CIF names without listing them, in every setting that it may mean.

Origin choices 1 and 2 of 24 groups, and hexagonal or rhombohedral axes of the seven groups R, have the same
symbol. A suffix tells them apart (``:1``, ``:H``; in files of the ICSD ``S`` and ``Z``, ``H`` and ``R``), and so do
the axes themselves; else both are possible. Operations are spglib's, by Hall number.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np

OPERATIONS: Final = (
    "_symmetry_equiv_pos_as_xyz",
    "_space_group_symop_operation_xyz",
    "_space_group_symop_magn_operation.xyz",
    "_space_group_symop_magn_operation_xyz",
)
NAMES: Final = ("_symmetry_space_group_name_H-M", "_space_group_name_H-M_alt")
AXES: Final = (*(f"_cell_length_{axis}" for axis in "abc"), *(f"_cell_angle_{a}" for a in ("alpha", "beta", "gamma")))
GROUPS: Final = ("_space_group_IT_number", "_symmetry_Int_Tables_number")

_SUFFIX: Final = re.compile(r"(?P<symbol>.+?)\s*(?::\s*(?P<marked>[12HRSZhrsz]{1,2})|\s(?P<loose>S|Z|H|R|RS|HR|RZ))")
_MEANINGS: Final = {"1": "1", "S": "1", "2": "2", "Z": "2", "H": "H", "HR": "H", "R": "R", "RS": "R"}
_TOLERANCE: Final = 1e-3
"""Relative, of lengths, and in degrees times 100 of angles: axes that are said to be equal."""


@dataclass(frozen=True)
class Setting:
    """A setting to read a block in.

    Attributes:
        loop: CIF text to append; empty where the block is read as it is.
        words: what it is, for messages.
    """

    loop: str = ""
    words: str = ""


def settings_of(data: dict[str, Any]) -> list[Setting]:
    """Every setting that a block may mean; it is read as it is unless its group has several.

    Raises:
        ValueError: if its axes are those of no setting.
    """
    if any(data.get(tag) for tag in OPERATIONS) or not all(tag in data for tag in AXES):
        return [Setting()]
    name = _name(data)
    match = _SUFFIX.fullmatch(name)
    symbol, suffix = (match["symbol"], (match["marked"] or match["loose"]).upper()) if match else (name, "")
    choices = _choices(_number(data), _squeezed(symbol))
    if not choices:
        return [Setting()]
    wanted = {_MEANINGS[suffix]} if suffix in _MEANINGS and len(choices) > 1 else set(choices)
    possible = wanted & set(choices) & (_axes(data) if "H" in choices else set(choices))
    if not possible:
        raise ValueError(
            f"{name or 'the space group'} on axes that are neither hexagonal nor rhombohedral, or the other"
        )
    return [Setting(_loop(choices[choice]), f"{symbol or 'the group'}:{choice}") for choice in sorted(possible)]


def says_p1(data: dict[str, Any]) -> bool:
    """Whether nothing in the block names another group than P1."""
    return _squeezed(_name(data)) in {"", "p1"} and _number(data) in {0, 1}


def only_identity(data: dict[str, Any]) -> bool:
    """Whether the block lists operations, and only the identity is among them."""
    stated = [value for tag in OPERATIONS if (value := data.get(tag))]
    words = [word for value in stated for word in (value if isinstance(value, list) else [value])]
    return bool(words) and {_squeezed(str(word)).strip("'\"") for word in words} <= {"x,y,z", "+x,+y,+z"}


def _name(data: dict[str, Any]) -> str:
    return next((str(data[tag]).strip(" '\"") for tag in NAMES if data.get(tag)), "")


def _number(data: dict[str, Any]) -> int:
    digits = next((re.fullmatch(r"\d{1,3}", str(data[tag]).strip()) for tag in GROUPS if data.get(tag)), None)
    return int(digits[0]) if digits else 0


def _squeezed(symbol: str) -> str:
    return re.sub(r"[\s_]", "", symbol).lower()


def _axes(data: dict[str, Any]) -> set[str]:
    """Which of hexagonal and rhombohedral axes the cell has: H, R, or neither."""
    lengths, angles = np.asarray([_value(data[tag]) for tag in AXES]).reshape(2, 3)
    if np.ptp(lengths) < _TOLERANCE * lengths[0] and np.ptp(angles) < 100 * _TOLERANCE:
        return {"R"}
    hexagonal = np.abs(angles - [90, 90, 120]).max() < 100 * _TOLERANCE
    return {"H"} if hexagonal and abs(lengths[0] - lengths[1]) < _TOLERANCE * lengths[0] else set()


def _value(text: Any) -> float:
    return float(re.sub(r"\(.*", "", str(text)))


@cache
def _table() -> dict[int, tuple[str, dict[str, int]]]:
    """Short symbol, and Hall number by choice, of every group with one setting, or with several of one symbol."""
    import spglib  # noqa: PLC0415  (needed seldom)

    kinds = [(hall, kind) for hall in range(1, 531) if (kind := spglib.get_spacegroup_type(hall)) is not None]
    settings = Counter(kind.number for _, kind in kinds)
    table: dict[int, tuple[str, dict[str, int]]] = {}
    for hall, kind in kinds:
        if kind.choice in {"1", "2", "H", "R"} or settings[kind.number] == 1:
            short = _squeezed(kind.international_short)
            table.setdefault(kind.number, (short, {}))[1].setdefault(kind.choice, hall)
    return table


def _choices(number: int, symbol: str) -> dict[str, int]:
    """Hall numbers by choice of the group with this number, or this symbol; symbols of other axes are not ours."""
    for group, (short, halls) in _table().items():
        if symbol == short or (not symbol and group == number):
            return halls
    return {}


def _loop(hall: int) -> str:
    import spglib  # noqa: PLC0415
    from pymatgen.core.operations import SymmOp  # noqa: PLC0415  (slow import)

    symmetry = spglib.get_symmetry_from_database(hall)
    assert symmetry is not None
    operations = [
        SymmOp.from_rotation_and_translation(rotation, translation).as_xyz_str()
        for rotation, translation in zip(symmetry["rotations"], symmetry["translations"], strict=True)
    ]
    return "\nloop_\n_symmetry_equiv_pos_as_xyz\n" + "\n".join(f"'{operation}'" for operation in operations) + "\n"
