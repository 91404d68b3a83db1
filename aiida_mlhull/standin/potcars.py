"""Placeholders for VASP's potentials: a header that readers understand, and no data.

VASP's potentials are licensed and not ours to pass on. aiida-vasp reads a POTCAR's header only, and so
does the stand-in; VASP itself would stop at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from aiida_mlhull.science.not_vasp import NOT_VASP, PLACEHOLDER
from aiida_mlhull.science.representations.elements import element_table

FAMILY: Final = "placeholders-NOT-VASP"
"""Name of the family of placeholders in aiida-vasp."""

HEAVIEST: Final = 103

_NOBLE_GASES: Final = (0, 2, 10, 18, 36, 54, 86)
_CUTOFF: Final = 400.0


def potential_names() -> list[str]:
    """Every element's plain name, and the names that pymatgen's input sets for PBE and r²SCAN ask for.

    aiida-vasp's default mapping is among them.
    """
    from pymatgen.io.vasp.sets import MITRelaxSet, MPRelaxSet, MPScanRelaxSet  # noqa: PLC0415  (slow import)

    names = {str(symbol) for symbol in element_table().symbols[1 : HEAVIEST + 1]}
    for inputs in (MITRelaxSet, MPRelaxSet, MPScanRelaxSet):
        names.update(name if isinstance(name, str) else name["symbol"] for name in inputs.CONFIG["POTCAR"].values())
    return sorted(names)


def placeholder(name: str) -> str:
    """The text of a placeholder.

    Args:
        name: of the potential, for instance ``Ti_pv``.
    """
    symbol = name.split("_", maxsplit=1)[0]
    number = list(element_table().symbols).index(symbol)
    title = f"PAW_PBE {name} {PLACEHOLDER}-{NOT_VASP.replace(' ', '-')}"
    return (
        f"  {title}\n   1.00000000000000\n parameters from PSCTR are:\n"
        f"   VRHFIN ={symbol}: {PLACEHOLDER}, holds no potential\n"
        f"   LEXCH  = PE\n   EATOM  =     0.0000 eV,    0.0000 Ry\n\n   TITEL  = {title}\n"
        f"   LULTRA =        F    use ultrasoft PP ?\n   IUNSCR =        0    unscreen: 0-lin 1-nonlin 2-no\n"
        f"   POMASS = {_mass(symbol):8.3f}; ZVAL   = {_valence(number):8.3f}    mass and valenz\n"
        f"   ENMAX  = {_CUTOFF:8.3f}; ENMIN  = {0.75 * _CUTOFF:8.3f} eV\n"
        f"   LPAW   =        T    paw PP\n   END of PSCTR-controll parameters\n"
        f" {NOT_VASP}: a placeholder for {name} by aiida-mlhull, for its stand-in and for tests\n End of Dataset\n"
    )


def write_placeholders(folder: Path, names: Iterable[str]) -> list[Path]:
    """Write placeholders as ``folder/NAME/POTCAR``, where aiida-vasp looks for a family's files."""
    written = []
    for name in names:
        path = folder / name / "POTCAR"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(placeholder(name), encoding="utf-8")
        written.append(path)
    return written


def _mass(symbol: str) -> float:
    from pymatgen.core import Element  # noqa: PLC0415  (slow import)

    return float(Element(symbol).atomic_mass)


def _valence(number: int) -> float:
    """Electrons beyond the noble gas below; a filled d or f shell under a p shell is not counted."""
    outside = number - max(core for core in _NOBLE_GASES if core < number)
    for core, shell in ((28, 10), (46, 10), (78, 24)):  # behind Ni, Pd and Pt: 3d, 4d, and 4f with 5d
        if core + 2 < number <= core + 8:
            return float(outside - shell)
    return float(outside)
