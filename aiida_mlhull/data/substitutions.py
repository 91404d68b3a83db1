"""A table of element-substitution probabilities as a node."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np

from aiida_mlhull.data.base import Exported, ScienceData, attribute, only_file
from aiida_mlhull.science.types import Substitutions
from aiida_mlhull.science.wire import decode_substitutions, encode_substitutions

SUBSTITUTIONS_FILE: Final = "substitutions.json"
SHOWN: Final = 5
"""Likeliest replacements of an element that a screen shows."""


class SubstitutionsData(ScienceData[Substitutions]):
    """How often elements stand in each other's place, and so with what probability one is drawn for another."""

    _noun: ClassVar = Substitutions

    class AttributesModel(ScienceData.AttributesModel):
        """Facts of the table."""

        elements: list[str] = attribute("elements", "the table's elements in the order of atomic numbers")
        n_elements: int = attribute("n_elements", "elements", ge=0)
        n_pairs: int = attribute("n_pairs", "ordered pairs of elements that were seen in each other's place", ge=0)
        n_counts: int = attribute("n_counts", "substitutions that were counted", ge=0)
        n_crystals: int = attribute("n_crystals", "different representations that were counted", ge=0)
        n_kinds: int = attribute("n_kinds", "kinds of crystals with at least two of them", ge=0)
        smoothing: float = attribute("smoothing", "added to every count before rows are normalized", ge=0)
        origin: str = attribute("origin", "where the crystals come from")

    def listing(self, **_: Any) -> dict[str, list[str]]:
        """Columns of text for a screen: one row per element, its likeliest replacements beside it."""
        noun = self.to_science()
        probabilities, elements = noun.probabilities, np.asarray(noun.elements, dtype=np.str_)
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, :SHOWN]
        return {
            "element": elements.tolist(),
            "counts": [str(total) for total in noun.counts.sum(axis=1).tolist()],
            "replaced_by": [
                " ".join(f"{elements[j]}:{row[j]:.2f}" for j in order.tolist() if row[j] > 0)
                for row, order in zip(probabilities, best, strict=True)
            ],
        }

    def _prepare_csv(self, main_file_name: str = "") -> Exported:  # noqa: ARG002  (AiiDA passes it)
        """Probabilities: a row and a column an element."""
        noun = self.to_science()
        sink = io.StringIO()
        writer = csv.writer(sink, lineterminator="\n")
        writer.writerow(["element", *noun.elements])
        for symbol, row in zip(noun.elements, noun.probabilities.tolist(), strict=True):
            writer.writerow([symbol, *row])
        return sink.getvalue().encode(), {}

    def _prepare_json(self, main_file_name: str = "") -> Exported:  # noqa: ARG002
        """Counts and everything else; ``generate`` reads it."""
        return encode_substitutions(self.to_science()), {}

    @classmethod
    def headline(cls, facts: Mapping[str, Any]) -> str:
        """One line for people, made from a node's attributes."""
        origin = f" from {facts['origin']}" if facts["origin"] else ""
        smoothed = f", smoothed by {facts['smoothing']:g}" if facts["smoothing"] else ""
        return (
            f"substitutions of {facts['n_elements']} elements, {facts['n_counts']} counts in "
            f"{facts['n_crystals']} crystals{origin}{smoothed}"
        )

    @classmethod
    def _facts(cls, noun: Any) -> dict[str, Any]:
        return {
            "elements": list(noun.elements),
            "n_elements": len(noun.elements),
            "n_pairs": int((noun.counts > 0).sum()),
            "n_counts": int(noun.counts.sum()),
            "n_crystals": noun.n_crystals,
            "n_kinds": noun.n_kinds,
            "smoothing": noun.smoothing,
            "origin": noun.source,
        }

    @classmethod
    def _encode(cls, noun: Any) -> dict[str, bytes]:
        return {SUBSTITUTIONS_FILE: encode_substitutions(noun)}

    @classmethod
    def _decode(cls, files: Mapping[str, bytes]) -> Any:
        return decode_substitutions(only_file(files, SUBSTITUTIONS_FILE), name=SUBSTITUTIONS_FILE)
