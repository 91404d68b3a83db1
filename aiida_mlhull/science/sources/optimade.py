"""Structures from any database that speaks OPTIMADE (Andersen et al., Sci. Data 8 (2021) 217).

Asked is ``/v1/structures`` with a filter, page by page by the links that the server gives. Energies are no part
of the standard; what a provider adds under names of its own (``_oqmd_stability``) is found in
``/v1/info/structures`` and kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

import numpy as np

from aiida_mlhull.science.errors import InputError, WireError
from aiida_mlhull.science.reading.sieve import SMALLEST_VOLUME
from aiida_mlhull.science.representations.composition import NUMBERS
from aiida_mlhull.science.sources.base import Kind, Row
from aiida_mlhull.science.sources.client import Client
from aiida_mlhull.science.sources.journal import Page
from aiida_mlhull.science.sources.paged import PagedSource
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason

if TYPE_CHECKING:
    from pymatgen.core import Structure

CELL_FIELDS: Final = (
    "lattice_vectors",
    "cartesian_site_positions",
    "species",
    "species_at_sites",
    "structure_features",
    "dimension_types",
)
ENERGY_WORDS: Final = re.compile(r"energ|hull|stabilit|delta_e|formation|enthalp", re.IGNORECASE)
PAGE: Final = 100
WHOLE: Final = 1e-6
"""How far a concentration may be from 1."""

THREE: Final = [1, 1, 1]
"""``dimension_types`` of a crystal."""


class Optimade(PagedSource):
    """Structures that a filter finds.

    Args:
        url: base URL of the database, with or without the version: ``https://optimade.odbx.science``.
        query: OPTIMADE filter, ``elements HAS ONLY "Ti","N"``; everything if empty.
        page_size: structures a request.
        keep: provider's columns to keep; those that are about energies if None.
        client: makes the requests.
    """

    def __init__(
        self,
        url: str,
        *,
        query: str = "",
        page_size: int = PAGE,
        keep: tuple[str, ...] | None = None,
        client: Client | None = None,
    ) -> None:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise InputError(f"{url!r} is no address of a database: it should begin with https://")
        self._base = re.sub(r"/v\d+(\.\d+)*$", "", url.rstrip("/")) + "/v1"
        self.name = urlsplit(url).netloc
        self._query = query
        self._page_size = page_size
        self._keep = keep
        self._client = client or Client()

    def asked(self) -> dict[str, Any]:
        """Database and filter; the size of a page makes no difference."""
        return {"source": "optimade", "url": self._base, "filter": self._query, "keep": self._keep and list(self._keep)}

    def offers(self) -> dict[str, Kind]:
        """The provider's columns about energies, or those that were asked for.

        Raises:
            InputError: if a column was asked for that the provider doesn't have.
        """
        try:
            properties = self._client.get(f"{self._base}/info/structures")["data"]["properties"]
        except (KeyError, TypeError) as error:
            raise WireError(
                f"{self.name}: doesn't describe its structures; is {self._base} an OPTIMADE database?"
            ) from error
        own = {name: about for name, about in properties.items() if name.startswith("_")}
        missing = sorted(set(self._keep or ()) - set(properties))
        if missing:
            raise InputError(f"{self.name} has no columns {', '.join(missing)}; its own are: {', '.join(sorted(own))}")
        wanted = [name for name in own if ENERGY_WORDS.search(name)] if self._keep is None else self._keep
        return {name: _kind(properties[name].get("type")) for name in sorted(wanted)}

    def pages(self, after: str, columns: Mapping[str, Kind]) -> Iterator[Page]:
        """Follow the server's links to the next page.

        Raises:
            InputError: if the server refuses the filter.
            WireError: if it can't be reached, or its links lead nowhere new.
        """
        fields = ",".join([*CELL_FIELDS, *columns])
        asked = {"filter": self._query, "response_fields": fields, "page_limit": self._page_size}
        link = after or f"{self._base}/structures?{urlencode({key: value for key, value in asked.items() if value})}"
        seen = set()
        while link:
            seen.add(link)
            answer = self._client.get(link)
            link = _next(answer)
            if link in seen:
                raise WireError(f"{self.name}: the link to the next page leads back to {link}")
            try:
                entries = [{"id": entry["id"], **entry["attributes"]} for entry in answer["data"]]
            except (KeyError, TypeError) as error:
                raise WireError(f"{self.name}: an answer without structures") from error
            yield Page(entries, link, answer.get("meta", {}).get("data_returned"))

    def row(self, entry: Mapping[str, Any]) -> Row:
        """A structure, or why it is no crystal with every site occupied by one element."""
        values = {name: value for name, value in entry.items() if name not in CELL_FIELDS}
        reason, detail = _refusal(entry)
        structure = None if reason else _structure(entry)
        return Row(str(entry["id"]), structure, reason, detail, values)


def _kind(declared: str | None) -> Kind:
    return "number" if declared in {"float", "integer"} else "text"


def _next(answer: Mapping[str, Any]) -> str:
    """The link to the next page, which may be a string or an object; empty after the last one."""
    link = (answer.get("links") or {}).get("next")
    return str(link.get("href") or "") if isinstance(link, Mapping) else str(link or "")


def _refusal(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Reason and detail for what is not an ordered crystal; empty for what is."""
    lacking = [name for name in CELL_FIELDS[:4] if not entry.get(name)]
    if lacking:
        return Reason.NO_CELL, f"without {', '.join(lacking)}"
    cell, positions = _numbers(entry["lattice_vectors"]), _numbers(entry["cartesian_site_positions"])
    open_ends = cell.shape == (3, 3) and bool(np.isnan(cell).all(axis=1).any())
    if (entry.get("dimension_types") or THREE) != THREE or open_ends:
        return Reason.NOT_PERIODIC, f"dimension_types {entry.get('dimension_types')}"
    if "implicit_atoms" in (entry.get("structure_features") or ()):
        return Reason.IMPLICIT_ATOMS, "some atoms have no position"
    return _fault(cell, positions, len(entry["species_at_sites"])) or _mixture(entry)


def _fault(cell: Floats, positions: Floats, sites: int) -> tuple[str, str] | None:
    """Reason and detail for numbers that make no crystal; None if they do."""
    if cell.shape != (3, 3) or positions.shape != (sites, 3):
        return Reason.BROKEN_LISTS, f"a cell of shape {cell.shape}, positions of shape {positions.shape}"
    if not (np.isfinite(cell).all() and np.isfinite(positions).all()):
        return Reason.NOT_FINITE, "NaN, infinite or missing numbers"
    flat = abs(np.linalg.det(cell)) < SMALLEST_VOLUME * sites
    return (Reason.NO_VOLUME, "zero volume of the cell") if flat else None


def _numbers(rows: Any) -> Floats:
    """Rows of numbers, NaN where null; without rows where they are something else."""
    try:
        return np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError):
        return np.empty(0)


def _mixture(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Reason and detail where a site is not occupied by one element."""
    species = {kind["name"]: kind for kind in entry["species"]}
    for name in sorted(set(entry["species_at_sites"])):
        symbols = species.get(name, {}).get("chemical_symbols") or [name]
        occupied = species.get(name, {}).get("concentration") or [1.0]
        if (
            len(symbols) > 1
            or abs(sum(occupied) - 1) > WHOLE
            or "assemblies" in (entry.get("structure_features") or ())
        ):
            return Reason.DISORDERED, f"{name}: {', '.join(symbols)}"
        if symbols[0] not in NUMBERS:
            return Reason.UNKNOWN_ELEMENT, str(symbols[0])
    return "", ""


def _structure(entry: Mapping[str, Any]) -> Structure:
    from pymatgen.core import Lattice, Structure  # noqa: PLC0415  (slow import)

    symbol = {kind["name"]: kind["chemical_symbols"][0] for kind in entry["species"]}
    return Structure(
        Lattice(entry["lattice_vectors"]),
        [symbol.get(name, name) for name in entry["species_at_sites"]],
        entry["cartesian_site_positions"],
        coords_are_cartesian=True,
    )
