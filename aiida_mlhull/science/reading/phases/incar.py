"""What an entry's INCAR says of its functional, which its run type may not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

PLACES: Final = (("incar",), ("input", "incar"), ("inputs", "incar"), ("input", "parameters"), ("calculation", "incar"))
"""Where entries keep it: in their parameters or data, by themselves or with other inputs."""

_NOTHING: Final = {"", "--", "none", "false", ".false.", "f", "0"}


@dataclass(frozen=True)
class IncarFunctional:
    """What it comes to.

    Attributes:
        functional: tag to value, of the one tag that decides; empty where it has neither.
        plus_u: whether it adds a Hubbard U to any element.
        dispersion: tag and value of a correction for dispersion; empty if there is none.
    """

    functional: Mapping[str, str] = field(default_factory=dict)
    plus_u: bool = False
    dispersion: str = ""


def incar_of(content: Mapping[str, Any]) -> IncarFunctional:
    """What the INCAR in an entry's parameters or data says (VASP wiki, "METAGGA", "GGA", "LDAU", "IVDW")."""
    tags: dict[str, str] = {}
    for place in PLACES:
        found: Any = content
        for key in place:
            found = found.get(key) if isinstance(found, Mapping) else None
        if isinstance(found, Mapping):
            tags |= {str(tag).upper(): _text(value) for tag, value in found.items() if not _is_nothing(value)}
    decides = "METAGGA" if "METAGGA" in tags else "GGA" if "GGA" in tags and "LHFCALC" not in tags else ""
    dispersion = next((f"{tag} {tags[tag]}" for tag in ("IVDW", "LUSE_VDW") if tag in tags), "")
    return IncarFunctional(
        {f"INCAR {decides}": tags[decides]} if decides else {}, {"LDAU", "LDAUU"} <= tags.keys(), dispersion
    )


def _is_nothing(value: Any) -> bool:
    """Whether a tag is switched off: false, zero, a list of zeros."""
    if isinstance(value, list):
        return all(_is_nothing(one) for one in value)
    return value in (None, 0) or str(value).strip().lower() in _NOTHING


def _text(value: Any) -> str:
    return str(value).strip()
