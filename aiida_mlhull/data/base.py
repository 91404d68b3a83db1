"""What all nodes of this package share: a noun of the science, its files, and its facts for queries."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, cast

import pydantic
from aiida.common import exceptions
from aiida.orm import Data, Node
from aiida.orm.implementation.utils import clean_value
from aiida.orm.nodes.caching import NodeCaching
from aiida.orm.pydantic import OrmMetadataField

from aiida_mlhull.science.errors import InputError, MlhullError, WireError, listed

N = TypeVar("N")
Self = TypeVar("Self", bound="ScienceData[Any]")
Exported = tuple[bytes, dict[str, bytes]]
"""What AiiDA's ``_prepare_FORMAT`` methods return: the main file, and the names and contents of others."""


def attribute(key: str, description: str, **settings: Any) -> Any:
    """A field of an ``AttributesModel`` that is read from the node's attribute ``key``."""
    return OrmMetadataField(
        description=description,
        orm_to_model=lambda node: cast("Node", node).base.attributes.get(key, None),
        **settings,
    )


class ScienceCaching(NodeCaching):
    """The hash of a node that never changes once it is stored."""

    def compute_hash(self, ignore_errors: bool = True, **kwargs: Any) -> str | None:  # noqa: FBT001, FBT002  (AiiDA's)
        """What was computed when the node was stored: a process asks all of its inputs, shard by shard."""
        known = self.get_hash() if self._node.is_stored and not kwargs else None
        return known or super().compute_hash(ignore_errors=ignore_errors, **kwargs)

    def rehash(self) -> None:
        """Compute it again, and keep it."""
        self._node.base.extras.set(self._HASH_EXTRA_KEY, self._compute_hash())


class ScienceData(Data, Generic[N]):
    """A noun in AiiDA's graph: files in the repository hold it, attributes tell what it is about.

    The node computes nothing: attributes are facts of the noun, and storing checks that files and
    attributes still tell the same. Equal nouns make nodes of equal hash, so that AiiDA's cache
    recognizes work that was done before. Formats of ``export()`` are the methods ``_prepare_FORMAT``, as
    everywhere in AiiDA.

    Args:
        noun: what the node holds.
        files: the files that ``noun`` was read from, where they are to be kept byte by byte; encoded if None.

    Raises:
        InputError: if the noun is of another kind or can't be kept in one node.
    """

    _noun: ClassVar[type[Any]]
    _CLS_NODE_CACHING = ScienceCaching
    _fetched: dict[str, bytes] | None = None
    _written: tuple[dict[str, Any], dict[str, bytes]] | None = None
    """Facts and digests of the files that were encoded here: storing need not read them again."""

    def __init__(self, noun: N, *, files: Mapping[str, bytes] | None = None, **kwargs: Any) -> None:
        if not isinstance(noun, self._noun):
            raise InputError(f"{type(self).__name__} holds {self._noun.__name__}, not {type(noun).__name__}")
        facts = self._facts(noun)
        encoded = self._encode(noun) if files is None else files
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        if files is None:
            self._written = facts, _digests(encoded)
        self.base.attributes.set_many(facts)
        for name, content in encoded.items():
            self.base.repository.put_object_from_bytes(content, name)
        if not self.description:
            self.description = self.headline(facts)

    @classmethod
    def from_science(cls: type[Self], noun: Any, **kwargs: Any) -> Self:
        """An unstored node that holds ``noun``; keyword arguments are AiiDA's (``label``, ``source``).

        Raises:
            InputError: if the noun is of another kind or can't be kept in one node.
        """
        return cls(noun, **kwargs)

    def to_science(self) -> N:
        """The noun that the node holds.

        Raises:
            WireError: if a file is missing, truncated, or holds something else.
        """
        noun: N = self._decode(self._files())
        return noun

    @abstractmethod
    def listing(self, **chosen: Any) -> dict[str, list[str]]:
        """What a screen shows of the content: columns of text by name."""

    def export_files(self, fileformat: str, **chosen: Any) -> dict[str, bytes]:
        """What an export into a folder writes: file names and contents.

        Raises:
            ValueError: if the format is not one of ``get_export_formats()``.
        """
        content, extra = self._exportcontent(fileformat, main_file_name="", **chosen)  # type: ignore[no-untyped-call]
        stem = f"{type(self).__name__.removesuffix('Data').lower()}_{self.uuid[:8]}"
        return {f"{stem}.{fileformat}": content, **extra}

    def write_files(self, folder: Path, *, fileformat: str, overwrite: bool, **chosen: Any) -> list[str]:
        """Write all files of an export into a folder or, if one of them exists and may not be overwritten, none.

        Raises:
            FileExistsError: in that case.
            ValueError: if the format is not one of ``get_export_formats()``.
        """
        files = self.export_files(fileformat, **chosen)
        existing = [name for name in files if (folder / name).exists()]
        if existing and not overwrite:
            raise FileExistsError(f"{len(existing)} files exist already in {folder}, e.g. {existing[0]}")
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        return [str(folder / name) for name in files]

    @classmethod
    @abstractmethod
    def headline(cls, facts: Mapping[str, Any]) -> str:
        """One line for people, made from a node's attributes."""

    @classmethod
    @abstractmethod
    def _facts(cls, noun: Any) -> dict[str, Any]:
        """The attributes that follow from the noun."""

    @classmethod
    @abstractmethod
    def _encode(cls, noun: Any) -> dict[str, bytes]:
        """File names and contents that hold the noun."""

    @classmethod
    @abstractmethod
    def _decode(cls, files: Mapping[str, bytes]) -> Any:
        """The noun behind the files."""

    def _files(self) -> dict[str, bytes]:
        """All files of the repository."""
        fetched, self._fetched = self._fetched, None
        if fetched is not None:
            return fetched
        repository = self.base.repository
        return {name: repository.get_object_content(name, mode="rb") for name in repository.list_object_names()}

    def _validate(self) -> bool:
        """Refuse attributes of another type than declared, and files that tell something else.

        AiiDA doesn't hold nodes to their ``AttributesModel`` when it stores them, so it is done here.

        Raises:
            ValidationError: AiiDA's, with the message of the error behind it.
        """
        super()._validate()
        attributes = clean_value(self.base.attributes.all)
        try:
            self.AttributesModel.model_validate(attributes)
            facts = clean_value(self._facts_of_content())
        except pydantic.ValidationError as error:
            raise exceptions.ValidationError(f"attributes of {type(self).__name__}: {error}") from error
        except MlhullError as error:
            raise exceptions.ValidationError(f"{type(self).__name__} [{error.code}]: {error}") from error
        wrong = sorted(key for key, value in facts.items() if attributes.get(key) != value)
        if wrong:
            raise exceptions.ValidationError(
                f"{type(self).__name__}: attributes that differ from the content: {listed(wrong)}; "
                "make a new node with from_science() instead of changing one"
            )
        return True

    def _facts_of_content(self) -> dict[str, Any]:
        """Facts of what the files hold; those that they were written with, as long as they are as they were written."""
        if self._written is not None and self._written[1] == _digests(self._files()):
            return self._written[0]
        return self._facts(self.to_science())


def _digests(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: sha256(content).digest() for name, content in files.items()}


def fetch(nodes: Iterable[Node]) -> None:
    """Read the files of stored nodes at one go, for the first question that each of them is asked.

    AiiDA opens its repository once more for every file of every node, which takes longer than to read a shard.

    Args:
        nodes: other kinds of data, and nodes that are not stored, are passed over.
    """
    keys = {}
    for node in nodes:
        if isinstance(node, ScienceData) and node.is_stored:
            repository = node.base.repository
            keys[node] = {name: str(repository.get_object(name).key) for name in repository.list_object_names()}
    if not keys:
        return
    store = next(iter(keys)).backend.get_repository()
    wanted = sorted({key for files in keys.values() for key in files.values()})
    there = [key for key, known in zip(wanted, store.has_objects(wanted), strict=True) if known]
    contents = {key: stream.read() for key, stream in store.iter_object_streams(there)}
    for node, files in keys.items():
        if contents.keys() >= set(files.values()):  # else it says itself what is missing when it is asked
            node._fetched = {name: contents[key] for name, key in files.items()}  # noqa: SLF001  (of this module)


def only_file(files: Mapping[str, bytes], name: str) -> bytes:
    """The content of the one file that a node should have.

    Raises:
        WireError: if it is missing or not alone.
    """
    if list(files) != [name]:
        raise WireError(f"expected the one file {name}, found {listed(sorted(files)) or 'none'}")
    return files[name]
