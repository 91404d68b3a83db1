"""Tables as nodes: one parquet file in the repository, facts as attributes.

Queries go by ``Cls.fields``::

    QueryBuilder().append(
        DecisionsData, filters=(DecisionsData.fields.stage == "volume") & (DecisionsData.fields.n_dropped > 0)
    )
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from aiida_mlhull.data.base import Exported, ScienceData, attribute, only_file
from aiida_mlhull.science.errors import TableError, UnknownNameError
from aiida_mlhull.science.tables.export import cif_files, to_cif, to_csv, to_frame, to_json, to_parquet
from aiida_mlhull.science.tables.headline import headline
from aiida_mlhull.science.tables.listing import choose, listing
from aiida_mlhull.science.tables.summary import summarize
from aiida_mlhull.science.types import Candidates, Decisions, Labels, Predictions, Reactions, Recipes, References, Table
from aiida_mlhull.science.types.table import Strings
from aiida_mlhull.science.wire import decode_table, encode_table
from aiida_mlhull.science.wire.rows import decode_columns, decode_row, decode_rows, take_rows

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from aiida.orm import Node
    from numpy.typing import NDArray

T = TypeVar("T", bound=Table)

TABLE_FILE: Final = "table.parquet"
ROWS_SHOWN: Final = 10
"""In notebooks."""
MAX_SHARD_ROWS: Final = 10_000
"""Rows of a shard of candidates: picking one and exporting it stays a matter of a moment."""


class TableData(ScienceData[T]):
    """Rows with unique ids, sorted by id."""

    class AttributesModel(ScienceData.AttributesModel):
        """Facts of the table."""

        n_rows: int = attribute("n_rows", "rows in the table", ge=0)
        id_min: str | None = attribute("id_min", "first id in order")
        id_max: str | None = attribute("id_max", "last id in order")
        elements: list[str] = attribute("elements", "all elements of all rows, in alphabetical order")
        n_compositions: int = attribute("n_compositions", "different compositions", ge=0)
        n_chemical_systems: int = attribute("n_chemical_systems", "different chemical systems", ge=0)
        chemical_systems: list[str] | None = attribute(
            "chemical_systems", "the chemical systems, N-Ti-Zn; none where they are too many to list"
        )
        content_hash: str = attribute(
            "content_hash", "SHA-256 of columns and properties, whatever wrote the file", pattern="^[0-9a-f]{64}$"
        )

    @property
    def n_rows(self) -> int:
        """Rows in the table."""
        return int(self.base.attributes.get("n_rows"))

    def rows(self, ids: Sequence[str] | Strings) -> T:
        """The rows of those of ``ids`` that are there; the others never become Python objects.

        Raises:
            WireError: if the file is missing, truncated, or holds something else.
        """
        found: T = decode_rows(self._noun, self._content(), ids, name=TABLE_FILE)
        return found

    def row(self, identifier: str) -> T | None:
        """The row of one id, as a table of its own; None if it is not there.

        Raises:
            WireError: as :meth:`rows`.
        """
        found: T | None = decode_row(self._noun, self._content(), identifier, name=f"{type(self).__name__}<{self.pk}>")
        return found

    def take(self, numbers: Sequence[int] | NDArray[np.int64]) -> T:
        """The rows with these numbers, in the order of ids; the others never become Python objects.

        Raises:
            WireError: as :meth:`rows`.
        """
        found: T = take_rows(self._noun, self._content(), numbers, name=TABLE_FILE)
        return found

    def take_where(self, chosen: Callable[..., NDArray[np.int64]], *names: str) -> T:
        """The rows whose numbers ``chosen`` finds by some columns, which it gets by their names.

        Raises:
            WireError: as :meth:`columns`.
        """
        content = self._content()
        numbers = chosen(**decode_columns(self._noun, content, names, name=TABLE_FILE))
        found: T = take_rows(self._noun, content, numbers, name=TABLE_FILE)
        return found

    def columns(self, *names: str) -> dict[str, NDArray[Any]]:
        """Columns by name, where one does without the others.

        Raises:
            WireError: as :meth:`rows`, or if a column is not there.
        """
        return decode_columns(self._noun, self._content(), names, name=TABLE_FILE)

    def names(self) -> Table:
        """Ids and formulas alone: what is enough to find rows again.

        Raises:
            WireError: as :meth:`rows`.
        """
        return Table(**self.columns("ids", "formulas"))

    def _content(self) -> bytes:
        return only_file(self._files(), TABLE_FILE)

    def listing(self, **chosen: Any) -> dict[str, list[str]]:
        """Columns of text for a screen; arguments choose rows as in :func:`choose`."""
        return listing(self._chosen(chosen))

    def to_pandas(self) -> pd.DataFrame:
        """The rows as people read them, see :func:`~aiida_mlhull.science.tables.export.to_frame`."""
        return to_frame(self.to_science())

    def _repr_html_(self) -> str:
        """What the node is and its first rows, for notebooks."""
        columns = self.listing(limit=ROWS_SHOWN)
        head = "".join(f"<th>{escape(name)}</th>" for name in columns)
        cells = zip(*columns.values(), strict=True)
        body = "".join(f"<tr>{''.join(f'<td>{escape(value)}</td>' for value in row)}</tr>" for row in cells)
        title = f"{type(self).__name__} {self.pk or '(not stored)'}"
        facts = escape(self.headline(self.base.attributes.all))
        return f"<div><b>{title}</b> {escape(self.label)}<br>{facts}<table><tr>{head}</tr>{body}</table></div>"

    def _chosen(self, chosen: Mapping[str, Any]) -> T:
        return choose(self.to_science(), **chosen)

    def _prepare_csv(self, main_file_name: str = "", **chosen: Any) -> Exported:  # noqa: ARG002  (AiiDA passes it)
        return to_csv(self._chosen(chosen)), {}

    def _prepare_json(self, main_file_name: str = "", **chosen: Any) -> Exported:  # noqa: ARG002
        return to_json(self._chosen(chosen)), {}

    def _prepare_parquet(self, main_file_name: str = "", **chosen: Any) -> Exported:  # noqa: ARG002
        return to_parquet(self._chosen(chosen)), {}

    @classmethod
    def headline(cls, facts: Mapping[str, Any]) -> str:
        """One line for people, made from a node's attributes."""
        return headline(cls._noun, facts)

    @classmethod
    def _facts(cls, noun: Any) -> dict[str, Any]:
        return summarize(noun)

    @classmethod
    def _encode(cls, noun: Any) -> dict[str, bytes]:
        return {TABLE_FILE: encode_table(noun)}

    @classmethod
    def _decode(cls, files: Mapping[str, bytes]) -> Any:
        return decode_table(cls._noun, only_file(files, TABLE_FILE), name=TABLE_FILE)


class CrystalTableData(TableData[T]):
    """Rows with cells."""

    def export_files(self, fileformat: str, **chosen: Any) -> dict[str, bytes]:
        """What an export into a folder writes: one CIF a row, or one file in any other format."""
        if fileformat == "cif":
            return dict(cif_files(self._chosen(chosen)))
        return super().export_files(fileformat, **chosen)

    def _prepare_cif(self, main_file_name: str = "", **chosen: Any) -> Exported:  # noqa: ARG002
        return to_cif(self._chosen(chosen)), {}


class CandidatesData(CrystalTableData[Candidates]):
    """A shard of at most 10,000 candidates."""

    _noun: ClassVar = Candidates

    @classmethod
    def from_structures(cls, structures: Sequence[Node], *, label: str = "") -> CandidatesData:
        """An unstored shard of structures that are nodes.

        Args:
            structures: ``StructureData`` and ``CifData``; ids are their labels where these differ, else their UUIDs.
            label: of the node.

        Raises:
            CrystalError: if a structure can't be used.
            InputError: if there are none.
        """
        from aiida_mlhull.data.structures import take_in  # noqa: PLC0415  (imports the readers)

        return cls.from_science(take_in(structures, source=label or "structures").candidates, label=label)

    @classmethod
    def from_group(cls, label: str) -> CandidatesData:
        """An unstored shard of the structures in a group; see :meth:`from_structures`.

        Raises:
            UnknownNameError: if there is no such group.
        """
        from aiida.orm import Group, QueryBuilder  # noqa: PLC0415

        group = QueryBuilder().append(Group, filters={"label": label}).first(flat=True)
        if group is None:
            raise UnknownNameError(f"there is no group {label!r}: 'verdi group list' names those that are")
        return cls.from_structures(list(group.nodes), label=label)

    class AttributesModel(CrystalTableData.AttributesModel):
        """Facts of the shard."""

        has_crystals: bool = attribute("has_crystals", "whether rows have cells or are labels only")
        n_sites_min: int | None = attribute("n_sites_min", "atoms in the smallest cell")
        n_sites_max: int | None = attribute("n_sites_max", "atoms in the largest cell")
        n_protostructures: int = attribute("n_protostructures", "different protostructure labels", ge=0)
        origin: str = attribute("origin", "what the shard came from")

    @classmethod
    def _facts(cls, noun: Any) -> dict[str, Any]:
        if len(noun) > MAX_SHARD_ROWS:
            raise TableError(
                f"{len(noun)} candidates in one shard, at most {MAX_SHARD_ROWS} are allowed; "
                "make several nodes, e.g. with Candidates.take()"
            )
        return super()._facts(noun)


class PredictionsData(TableData[Predictions]):
    """What an ensemble says about every row's energy."""

    _noun: ClassVar = Predictions

    class AttributesModel(TableData.AttributesModel):
        """Facts of the predictions."""

        model: str = attribute("model", "name of the model")
        n_members: int = attribute("n_members", "members of the ensemble", ge=1)
        energy_min: float | None = attribute("energy_min", "lowest mean of the members, eV/atom")
        energy_max: float | None = attribute("energy_max", "highest mean of the members, eV/atom")
        sigma_min: float | None = attribute("sigma_min", "smallest total uncertainty, eV/atom")
        sigma_max: float | None = attribute("sigma_max", "largest total uncertainty, eV/atom")


class DecisionsData(TableData[Decisions]):
    """Keep or drop for every row, with a reason."""

    _noun: ClassVar = Decisions

    class AttributesModel(TableData.AttributesModel):
        """Facts of the decisions."""

        rule: str = attribute("rule", "keep-rule, or another step that decided")
        stage: str = attribute("stage", "stage that the decisions are about")
        round: int = attribute("round", "round within the stage", ge=0)
        unit: str = attribute("unit", "unit of values, thresholds and margins")
        n_kept: int = attribute("n_kept", "rows that go on", ge=0)
        n_dropped: int = attribute("n_dropped", "rows that don't", ge=0)
        kept_reasons: dict[str, int] = attribute("kept_reasons", "kept rows by reason code")
        dropped_reasons: dict[str, int] = attribute("dropped_reasons", "dropped rows by reason code")

    def kept(self) -> Decisions:
        """The rows that go on; the others never become Python objects.

        Raises:
            WireError: as :meth:`rows`.
        """
        return self.take_where(lambda keep: keep.nonzero()[0], "keep")


class LabelsData(CrystalTableData[Labels]):
    """What a relaxation stage gave for every crystal that went in."""

    _noun: ClassVar = Labels

    class AttributesModel(CrystalTableData.AttributesModel):
        """Facts of the labels."""

        stage: str = attribute("stage", "name of the stage")
        engine: str = attribute("engine", "what relaxed them")
        scheme: str = attribute("scheme", "functional, settings and correction scheme of the energies")
        cost_basis: str = attribute("cost_basis", "whether the cost was measured or is nominal")
        n_succeeded: int = attribute("n_succeeded", "rows with an energy", ge=0)
        n_failed: int = attribute("n_failed", "rows with a reason of failure", ge=0)
        failure_reasons: dict[str, int] = attribute("failure_reasons", "failed rows by reason code")
        core_minutes: float = attribute("core_minutes", "cost of all rows together", ge=0)
        energy_min: float | None = attribute("energy_min", "lowest energy, eV/atom")
        energy_max: float | None = attribute("energy_max", "highest energy, eV/atom")


class ReferencesData(TableData[References]):
    """Known phases, a snapshot that never changes."""

    _noun: ClassVar = References

    class AttributesModel(TableData.AttributesModel):
        """Facts of the snapshot."""

        scheme: str = attribute("scheme", "functional, settings and correction scheme of the energies")
        origin: str = attribute("origin", "where the energies come from")
        end_members: list[str] = attribute("end_members", "elements that are there as pure phases")
        energy_min: float | None = attribute("energy_min", "lowest energy, eV/atom")
        energy_max: float | None = attribute("energy_max", "highest energy, eV/atom")
        pymatgen_version: str = attribute("pymatgen_version", "version of pymatgen that the snapshot was made with")

    def __init__(self, noun: References, *, pymatgen_version: str | None = None, **kwargs: Any) -> None:
        super().__init__(noun, **kwargs)
        self.base.attributes.set("pymatgen_version", pymatgen_version or version("pymatgen"))


class RecipesData(TableData[Recipes]):
    """Published syntheses."""

    _noun: ClassVar = Recipes

    class AttributesModel(TableData.AttributesModel):
        """Facts of the recipes."""

        origin: str = attribute("origin", "where the recipes come from")
        kinds: dict[str, int] = attribute("kinds", "recipes by kind of synthesis")
        n_precursors: int = attribute("n_precursors", "different precursors", ge=0)
        n_with_amounts: int = attribute("n_with_amounts", "recipes with the amount of every precursor", ge=0)


class ReactionsData(TableData[Reactions]):
    """Ways to make targets, ranked."""

    _noun: ClassVar = Reactions

    class AttributesModel(TableData.AttributesModel):
        """Facts of the reactions."""

        ranking: str = attribute("ranking", "what put them in order")
        conditions: str = attribute("conditions", "temperature and atmosphere in words")
        scheme: str = attribute("scheme", "functional, settings and correction scheme of the energies")
        n_deepest: int = attribute("n_deepest", "reactions whose deepest point is the target", ge=0)
        n_published: int = attribute("n_published", "reactions with a published precedent", ge=0)
