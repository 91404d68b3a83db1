"""Wyckoff positions of the 230 groups, from the tables that pymatgen ships.

The files are read directly: importing ``pymatgen.analysis.prototypes`` decodes its whole library of
structures first, which takes seconds in every process that only wants a label.
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from aiida_mlhull.science.errors import CrystalError

_IN_PYMATGEN = {
    "multiplicities": "WYCKOFF_MULTIPLICITY_DICT",
    "params": "WYCKOFF_POSITION_PARAM_DICT",
    "relabelings": "WYCKOFF_POSITION_RELAB_DICT",
}


@cache
def multiplicities(group: int) -> dict[str, int]:
    """Letter to sites in the conventional cell.

    Raises:
        CrystalError: if there is no such space group.
    """
    return {letter: int(sites) for letter, sites in _of_group("multiplicities", group).items()}


@cache
def free_coordinates(group: int) -> dict[str, int]:
    """Letter to coordinates that the position leaves open.

    Raises:
        CrystalError: if there is no such space group.
    """
    return {letter: int(free) for letter, free in _of_group("params", group).items()}


@cache
def relabelings(group: int) -> list[dict[str, str]]:
    """All choices of origin and axes, each as old letter to new letter; the first changes nothing.

    Raises:
        CrystalError: if there is no such space group.
    """
    return [{chr(int(old)): str(new) for old, new in choice.items()} for choice in _of_group("relabelings", group)]


def _of_group(name: str, group: int) -> Any:
    try:
        return _table(name)[str(group)]
    except KeyError:
        raise CrystalError(f"there is no space group {group}") from None


@cache
def _table(name: str) -> dict[str, Any]:
    spec = find_spec("pymatgen.analysis.prototypes")
    if spec is not None and spec.origin is not None:
        path = Path(spec.origin).with_name(f"wyckoff-position-{name}.json.gz")
        if path.exists():
            table: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
            return table
    from pymatgen.analysis import prototypes  # noqa: PLC0415  (slow; for versions that keep the files elsewhere)

    return dict(getattr(prototypes, _IN_PYMATGEN[name]))
