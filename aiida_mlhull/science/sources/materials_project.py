"""Structures of the Materials Project, through its own client (the extra ``mp``).

The key is taken from the environment (``MP_API_KEY``), as the client does itself; it is never written down.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull.science.errors import IncompleteAnswerError, InputError, MissingExtraError, WireError, listed
from aiida_mlhull.science.representations.composition import NUMBERS
from aiida_mlhull.science.sources.base import ColumnKind, Row
from aiida_mlhull.science.sources.journal import Page
from aiida_mlhull.science.sources.paged import PagedSource
from aiida_mlhull.science.types.reasons import Reason
from aiida_mlhull.science.types.table import slices

if TYPE_CHECKING:
    from pymatgen.core import Structure

KEY: Final = "MP_API_KEY"
COLUMNS: Final[dict[str, ColumnKind]] = {
    "energy_per_atom": "number",
    "uncorrected_energy_per_atom": "number",
    "formation_energy_per_atom": "number",
    "energy_above_hull": "number",
    "theoretical": "text",
}
"""Energies are those of the Materials Project, in eV/atom, corrected but for the second one."""

PAGE: Final = 500
"""Structures a request."""

SERVER_ERROR: Final = 500
_STATUS: Final = re.compile(r"status code (\d{3})")
_LETTERS: Final = re.compile(r"(mp|mvc)-([a-z]+)")
_UNREADABLE: Final = (ValueError, KeyError, IndexError, TypeError, AttributeError, ArithmeticError)
"""What pymatgen raises on mappings that are not what they say."""


class MaterialsProject(PagedSource):
    """Everything in a chemical system and the systems in it.

    Args:
        elements: symbols of the system.
        highest: eV/atom; only structures that lie at most so far above the project's hull.
        page_size: structures a request.
        endpoint: of the API; the client's own if None.
        partial: whether documents that are listed but not sent are left out, with that reason; else an error.
    """

    def __init__(
        self,
        elements: tuple[str, ...],
        *,
        highest: float | None = None,
        page_size: int = PAGE,
        endpoint: str | None = None,
        partial: bool = False,
    ) -> None:
        super().__init__(partial=partial)
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

    def offers(self) -> dict[str, ColumnKind]:
        """Energies as the project states them."""
        return COLUMNS

    def pages(self, after: str, columns: Mapping[str, ColumnKind]) -> Iterator[Page]:
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
        documents = self._search(**query, fields=["material_id"])
        ids = sorted({name for document in documents if (name := document_id(document))})
        nameless = sum(not document_id(document) for document in documents)
        left = [name for name in ids if name > after]
        portions = [left[part] for part in slices(len(left), size=self._page_size)]
        for portion in portions or [[]]:
            last = portion[-1] if portion and portion is not portions[-1] else ""
            entries = self._documents(portion, columns, query)
            if not last:
                entries += [
                    {"material_id": f"document {n + 1} without an id", "nameless": True} for n in range(nameless)
                ]
            yield Page(entries, last, len(ids) + nameless)

    def row(self, entry: Mapping[str, Any]) -> Row:
        """A document as a structure; the project has disordered ones, too."""
        name = str(entry["material_id"])
        if entry.get("not_sent"):
            return Row(name, None, Reason.NOT_SENT, "listed, but not among the documents")
        if entry.get("nameless"):
            return Row(name, None, Reason.BROKEN_ENTRY, "it can't be asked for")
        if not entry.get("structure"):
            return Row(name, None, Reason.NO_CELL, "without a structure")
        structure = structure_of(entry["structure"])
        if isinstance(structure, str):
            return Row(name, None, Reason.BROKEN_ENTRY, structure)
        if not structure.is_ordered:
            return Row(name, None, Reason.DISORDERED, structure.composition.reduced_formula)
        values = {column: entry.get(column) for column in COLUMNS}
        return Row(name, structure, values=values)

    def _documents(
        self, names: list[str], columns: Mapping[str, ColumnKind], query: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """The documents of these ids, in their order; what doesn't come is asked for once more.

        The client writes ids of letters as numbers, which not every server knows as its own: what doesn't come by its
        id for that reason is looked for among all that ``query`` finds.

        Raises:
            IncompleteAnswerError: if documents are missing, unless a part is enough.
        """
        documents: dict[str, dict[str, Any]] = {}
        wanted = {_number_of(name): name for name in names}
        for by_id in (True, True, False):
            lacking = [name for name in names if name not in documents]
            if not lacking or not (by_id or lacking == names or any(_number_of(name) != name for name in lacking)):
                break
            asked = {"material_ids": lacking} if by_id else query
            for document in self._search(**asked, fields=["material_id", "structure", *columns]):
                name = wanted.get(_number_of(document_id(document)))
                if name in lacking:
                    documents[name] = _plain(name, document)
        missing = [name for name in names if name not in documents]
        if missing and not self.partial:
            raise IncompleteAnswerError(
                f"{self.name}: {len(missing)} of {len(names)} documents that it lists don't come: {listed(missing)}; "
                f"--partial leaves them out, with that reason"
            )
        return [documents.get(name, {"material_id": name, "not_sent": True}) for name in names]

    def _search(self, **query: Any) -> list[dict[str, Any]]:
        return ask("summary", endpoint=self._endpoint, **query)


def ask(route: str, *, endpoint: str | None, **query: Any) -> list[dict[str, Any]]:
    """Documents of the project, as plain mappings.

    Args:
        route: ``summary`` or ``thermo``.
        endpoint: of the API; the client's own if None.
        query: of the client's ``search``.

    Raises:
        MissingExtraError: if the client isn't installed.
        InputError: if there is no key, or the project refuses the request.
        WireError: if the project can't be reached, or its server fails.
    """
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
        with MPRester(endpoint=endpoint, use_document_model=False, mute_progress_bars=True) as rester:
            documents: list[dict[str, Any]] = getattr(rester.materials, route).search(**query)
    except MPRestError as error:
        words = " ".join(str(error).split())
        status = _STATUS.search(words)
        if status is not None and int(status[1]) >= SERVER_ERROR:
            raise WireError(f"the Materials Project's server fails with {status[1]}: {words}") from error
        raise InputError(f"the Materials Project refuses the request: {words}") from error
    except RequestException as error:
        raise WireError(f"the Materials Project can't be reached: {error}") from error
    return documents


def structure_of(content: Any) -> Structure | str:
    """The structure that a document holds; what is wrong with it, in words, if it is none.

    Only lattice, species and positions are read: whatever else such a mapping names is not loaded.
    """
    from pymatgen.core import Structure  # noqa: PLC0415  (slow import)

    try:
        return Structure.from_dict(content)
    except _UNREADABLE as error:
        return f"not a structure of pymatgen: {error!r:.100}"


def document_id(document: Any) -> str:
    """A document's id, in whichever way it is written; empty if there is none."""
    identifier = document.get("material_id") if isinstance(document, Mapping) else None
    if isinstance(identifier, Mapping):
        identifier = identifier.get("string")
    return "" if identifier is None else str(identifier)


def _number_of(name: str) -> str:
    """An id with its number in digits: ``mp-lxf`` is ``mp-8039``, as a is 0, b is 1, ba is 26."""
    written = _LETTERS.fullmatch(name)
    if written is None:
        return name
    number = 0
    for letter in written[2]:
        number = 26 * number + ord(letter) - ord("a")
    return f"{written[1]}-{number}"


def _plain(name: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """A document as JSON can hold it."""
    structure: Any = document.get("structure")
    if structure is not None and not isinstance(structure, Mapping):
        structure = structure.as_dict()
    kept = {column: document.get(column) for column in COLUMNS}
    return {"material_id": name, "structure": structure, **kept}
