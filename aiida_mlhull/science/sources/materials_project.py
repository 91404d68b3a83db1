"""Structures of the Materials Project, through its own client (the extra ``mp``).

The key is taken from the environment (``MP_API_KEY``), as the client does itself; it is never written down.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, Final

from aiida_mlhull.science.errors import InputError, MissingExtraError, WireError
from aiida_mlhull.science.representations.composition import NUMBERS
from aiida_mlhull.science.sources.base import Kind, Row
from aiida_mlhull.science.sources.journal import Page
from aiida_mlhull.science.sources.paged import PagedSource
from aiida_mlhull.science.types.reasons import Reason

KEY: Final = "MP_API_KEY"
COLUMNS: Final[dict[str, Kind]] = {
    "energy_per_atom": "number",
    "uncorrected_energy_per_atom": "number",
    "formation_energy_per_atom": "number",
    "energy_above_hull": "number",
    "theoretical": "text",
}
"""Energies are those of the Materials Project, in eV/atom, corrected but for the second one."""

PAGE: Final = 500
"""Structures a request."""


class MaterialsProject(PagedSource):
    """Everything in a chemical system and the systems in it.

    Args:
        elements: symbols of the system.
        highest: eV/atom; only structures that lie at most so far above the project's hull.
        page_size: structures a request.
        endpoint: of the API; the client's own if None.
    """

    def __init__(
        self,
        elements: tuple[str, ...],
        *,
        highest: float | None = None,
        page_size: int = PAGE,
        endpoint: str | None = None,
    ) -> None:
        unknown = [symbol for symbol in elements if symbol not in NUMBERS]
        if unknown or not elements:
            raise InputError(f"unknown elements: {', '.join(unknown)}" if unknown else "no elements: name a system")
        self.name = "Materials Project"
        self._elements = tuple(sorted(set(elements)))
        self._highest = highest
        self._page_size = page_size
        self._endpoint = endpoint

    def asked(self) -> dict[str, Any]:
        """System and limit."""
        return {"source": "materials-project", "elements": list(self._elements), "highest": self._highest}

    def offers(self) -> dict[str, Kind]:
        """Energies as the project states them."""
        return COLUMNS

    def pages(self, after: str, columns: Mapping[str, Kind]) -> Iterator[Page]:
        """First all ids, then their structures in portions, in the order of ids.

        Raises:
            MissingExtraError: if the client isn't installed.
            InputError: if there is no key, or the project refuses the request.
            WireError: if the project can't be reached.
        """
        systems = [
            "-".join(part) for n in range(1, len(self._elements) + 1) for part in combinations(self._elements, n)
        ]
        query: dict[str, Any] = {"chemsys": systems}
        if self._highest is not None:
            query["energy_above_hull"] = (0, self._highest)
        ids = sorted(str(document["material_id"]) for document in self._search(**query, fields=["material_id"]))
        left = [name for name in ids if name > after]
        portions = [left[first : first + self._page_size] for first in range(0, len(left), self._page_size)]
        for portion in portions or [[]]:
            found = self._search(material_ids=portion, fields=["material_id", "structure", *columns]) if portion else []
            last = portion[-1] if portion and portion is not portions[-1] else ""
            entries = sorted(found, key=lambda document: str(document["material_id"]))
            yield Page([_plain(document) for document in entries], last, len(ids))

    def row(self, entry: Mapping[str, Any]) -> Row:
        """A document as a structure; the project has disordered ones, too."""
        from pymatgen.core import Structure  # noqa: PLC0415  (slow import)

        name = str(entry["material_id"])
        if not entry.get("structure"):
            return Row(name, None, Reason.NO_CELL, "without a structure")
        structure = Structure.from_dict(entry["structure"])
        if not structure.is_ordered:
            return Row(name, None, Reason.DISORDERED, structure.composition.reduced_formula)
        values = {column: entry.get(column) for column in COLUMNS}
        return Row(name, structure, values=values)

    def _search(self, **query: Any) -> list[dict[str, Any]]:
        try:
            from mp_api.client import MPRester  # noqa: PLC0415  (optional)
            from mp_api.client.core.exceptions import MPRestError  # noqa: PLC0415
            from requests import RequestException  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtraError(
                "the Materials Project is asked by its own client: pip install 'aiida-mlhull[mp]'"
            ) from error
        if not os.environ.get(KEY):
            raise InputError(f"no key of the Materials Project: put yours (materialsproject.org/api) into {KEY}")
        try:
            with MPRester(endpoint=self._endpoint, use_document_model=False, mute_progress_bars=True) as rester:
                found: list[dict[str, Any]] = rester.materials.summary.search(**query)
        except MPRestError as error:
            raise InputError(
                f"the Materials Project refuses the request: {str(error).strip().splitlines()[-1]}"
            ) from error
        except RequestException as error:
            raise WireError(f"the Materials Project can't be reached: {error}") from error
        return found


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document as JSON can hold it."""
    structure: Any = document.get("structure")
    if structure is not None and not isinstance(structure, Mapping):
        structure = structure.as_dict()
    kept = {column: document.get(column) for column in COLUMNS}
    return {"material_id": str(document["material_id"]), "structure": structure, **kept}
