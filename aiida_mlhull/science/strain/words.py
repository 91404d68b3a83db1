"""The response to strain in words."""

from __future__ import annotations

from typing import Any

from aiida_mlhull.science.tables import text


def response_in_words(found: list[dict[str, Any]]) -> str:
    """Slopes of bonds, films' energies, and the strain that brings each crystal lowest."""
    lines = []
    for crystal in found:
        rows = [
            (bond["name"], _number(bond["d_c"]), _number(bond["d_ab"]), _number(bond["r_squared"]))
            for bond in crystal["bonds"]
        ]
        lines.append(f"{crystal['id']}, {crystal['formula']}")
        lines.append(text.table(("bond", "Å per c strain", "Å per ab strain", "R²"), rows, indent="  "))
        heights = crystal["e_above_hull"]
        heads = ("strain of the plane", "eV/atom", *(("above the hull", "strained competitors") if heights else ()))
        films = [
            (
                f"{strain:+.2%}",
                _number(energy, 4),
                *((_number(heights[k], 4), crystal["competitors"][k]) if heights else ()),
            )
            for k, (strain, energy) in enumerate(zip(crystal["ab"], crystal["film"], strict=True))
        ]
        lines.append(text.table(heads, films, indent="  "))
        known = [pair for pair in zip(heights or (), crystal["ab"], strict=False) if pair[0] is not None]
        if known:
            height, best = min(known)
            lines.append(f"  lowest above its competitors' hull at {best:+.2%}: {height:.4f} eV/atom")
    return "\n".join(lines)


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
