"""INCAR tags: spelled in any case, and known to pymatgen's list of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any, Final

NOT_IN_THE_LIST: Final = frozenset({"ediff_per_atom"})
"""Known to pymatgen's input sets, though no tag of VASP's."""

FAMILIES: Final = ("ml_",)
"""Beginnings of tags that come and go with VASP's versions: those of its force fields."""


def lower_case(incar: Mapping[str, Any]) -> dict[str, Any]:
    """The tags in lower case.

    Raises:
        ValueError: if one is there twice, in different cases.
    """
    spelled = {str(tag).lower(): value for tag, value in incar.items()}
    if len(spelled) < len(incar):
        twice = sorted({str(tag).lower() for tag in incar if str(tag).lower() in incar and not str(tag).islower()})
        raise ValueError(f"said twice, in different cases: {', '.join(twice)}")
    return spelled


def check_tags(incar: Collection[str], *, unlisted: Collection[str] = ()) -> None:
    """Refuse tags that don't exist, all of them at once.

    Args:
        incar: in lower case.
        unlisted: tags that are meant though the list doesn't have them.

    Raises:
        ValueError: naming them, and what they may have been meant to be.
    """
    meant = NOT_IN_THE_LIST | {tag.lower() for tag in unlisted} | known_tags()
    wrong = [_named(tag) for tag in sorted(incar) if tag not in meant and not tag.startswith(FAMILIES)]
    if wrong:
        raise ValueError(
            f"no INCAR tags: {', '.join(wrong)}; one that is newer than pymatgen's list is named under unlisted_tags, too"
        )


@cache
def known_tags() -> frozenset[str]:
    """All tags of pymatgen's list, in lower case."""
    listed = json.loads((resources.files("pymatgen.io.vasp") / "incar_parameters.json").read_text())
    return frozenset(tag.lower() for tag in listed)


def _named(tag: str) -> str:
    close = get_close_matches(tag, known_tags(), n=1, cutoff=0.7)
    return f"{tag} (did you mean {close[0]}?)" if close else tag
