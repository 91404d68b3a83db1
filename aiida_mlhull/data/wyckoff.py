"""One Wyckoff representation as a node, for promoted crystals and for asking."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from aiida import orm

from aiida_mlhull.data.base import Exported, ScienceData, attribute, only_file
from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.representations.protostructure import read_protostructure
from aiida_mlhull.science.representations.wyckoff import TOLERANCE, protostructures
from aiida_mlhull.science.types import Crystals, Wyckoff
from aiida_mlhull.science.wire import decode_wyckoff, encode_wyckoff

WYCKOFF_FILE: Final = "wyckoff.json"


class WyckoffData(ScienceData[Wyckoff]):
    """A space group and the positions that a crystal occupies in it.

    Found by what it has in common with others::

        QueryBuilder().append(WyckoffData, filters=WyckoffData.fields.prototype == "AB_cF8_225_a_b")
    """

    _noun: ClassVar = Wyckoff

    class AttributesModel(ScienceData.AttributesModel):
        """Facts of the representation."""

        space_group: int = attribute("space_group", "number of the space group", ge=1, le=230)
        protostructure: str = attribute("protostructure", "AFLOW-style label with elements")
        prototype: str = attribute("prototype", "the label without elements, the same for all isopointal crystals")
        chemical_system: str = attribute("chemical_system", "elements in alphabetical order, N-Ti-Zn")
        elements: list[str] = attribute("elements", "different elements in alphabetical order")
        formula: str = attribute("formula", "reduced formula")
        letters: str = attribute("letters", "occupied positions, repeated as often as they are occupied")
        n_positions: int = attribute("n_positions", "occupied positions", ge=1)
        n_sites: int = attribute("n_sites", "sites in the conventional cell", ge=1)
        n_equivalents: int = attribute("n_equivalents", "letterings of the same crystal", ge=1)

    @classmethod
    def from_structure(
        cls, structure: orm.StructureData, *, tolerance: float = TOLERANCE, **kwargs: Any
    ) -> WyckoffData:
        """An unstored node with the representation of a crystal.

        Args:
            structure: ordered.
            tolerance: Å, of the symmetry search.
            **kwargs: AiiDA's (``label``, ``source``).

        Raises:
            CrystalError: if the structure is disordered, or no symmetry is found in it.
        """
        (label,) = protostructures(Crystals.from_structures([structure.get_pymatgen()]), tolerance=tolerance).tolist()
        if not label:
            raise CrystalError(f"{structure.label or structure.uuid}: no symmetry is found within {tolerance} Å")
        return cls.from_science(read_protostructure(label), **kwargs)

    def listing(self, **_: Any) -> dict[str, list[str]]:
        """Columns of text for a screen: one row a position."""
        noun = self.to_science()
        return {
            "element": list(noun.elements),
            "letter": list(noun.letters),
            "multiplicity": [str(sites) for sites in noun.multiplicities],
        }

    def equivalents(self) -> list[dict[str, list[str]]]:
        """Every lettering that another choice of origin and axes gives, as element to its letters; this one is first."""
        noun = self.to_science()
        others = [letters for letters in noun.equivalents if letters != noun.letters]
        return [
            {
                element: [letter for letter, owner in zip(letters, noun.elements, strict=True) if owner == element]
                for element in dict.fromkeys(noun.elements)
            }
            for letters in (noun.letters, *others)
        ]

    def to_structure(self, seed: int = 0) -> orm.StructureData:
        """A reasonable unrelaxed cell, not stored: of a known prototype, else drawn; see :func:`build_cell`.

        Raises:
            CrystalError: if no cell with these positions was found.
        """
        from aiida_mlhull.science.generators.cells import build_cell  # noqa: PLC0415  (a second to import, of those who ask only)

        noun = self.to_science()
        structure = orm.StructureData(pymatgen=build_cell(noun.protostructure, seed=seed).structure(0))
        structure.label = noun.protostructure
        structure.description = f"unrelaxed cell for {noun.protostructure}, seed {seed}"
        return structure

    def _prepare_csv(self, main_file_name: str = "") -> Exported:  # noqa: ARG002  (AiiDA passes it)
        """One row a position."""
        columns = self.listing()
        sink = io.StringIO()
        csv.writer(sink, lineterminator="\n").writerows([columns, *zip(*columns.values(), strict=True)])
        return sink.getvalue().encode(), {}

    def _prepare_json(self, main_file_name: str = "") -> Exported:  # noqa: ARG002
        """Everything, with all equivalent letterings."""
        return encode_wyckoff(self.to_science()), {}

    @classmethod
    def headline(cls, facts: Mapping[str, Any]) -> str:
        """One line for people, made from a node's attributes."""
        return (
            f"{facts['protostructure']}; {facts['n_positions']} positions, {facts['n_sites']} sites, "
            f"{facts['n_equivalents']} equivalent letterings"
        )

    @classmethod
    def _facts(cls, noun: Any) -> dict[str, Any]:
        return {
            "space_group": noun.space_group,
            "protostructure": noun.protostructure,
            "prototype": noun.prototype,
            "chemical_system": noun.chemical_system,
            "elements": sorted(set(noun.elements)),
            "formula": noun.formula,
            "letters": "".join(noun.letters),
            "n_positions": noun.n_positions,
            "n_sites": noun.n_sites,
            "n_equivalents": len(noun.equivalents),
        }

    @classmethod
    def _encode(cls, noun: Any) -> dict[str, bytes]:
        return {WYCKOFF_FILE: encode_wyckoff(noun)}

    @classmethod
    def _decode(cls, files: Mapping[str, bytes]) -> Any:
        return decode_wyckoff(only_file(files, WYCKOFF_FILE), name=WYCKOFF_FILE)
