"""ColumnArrays of the table of candidates: what each says, and in which unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiida_mlhull.science.types.properties import Property


@dataclass(frozen=True)
class Field:
    """One column.

    Attributes:
        name: in the data, the csv file and the JSON twin.
        title: above the column.
        unit: of its numbers; empty for words and counts.
        digits: behind the decimal point; None for words and whole numbers.
        shown: whether it is among the columns that are there at first.
        meaning: one line.
    """

    name: str
    title: str
    unit: str = ""
    digits: int | None = None
    shown: bool = True
    meaning: str = ""


EV: Final = "eV/atom"

FIELDS: Final = (
    Field("id", "id", meaning="id of the candidate"),
    Field("formula", "formula", meaning="reduced formula"),
    Field("system", "system", shown=False, meaning="chemical system"),
    Field("prototype", "prototype", meaning="AFLOW prototype: stoichiometry, Pearson symbol, space group, positions"),
    Field("space_group_before", "space group", meaning="before relaxation"),
    Field("space_group_after", "after", meaning="space group after the last stage that gave a cell"),
    Field("sites", "sites", shown=False, meaning="atoms in the cell"),
    Field("reached", "stage", meaning="last stage that has a result"),
    Field("reason", "reason", meaning="why it ended where it did"),
    Field("details", "details", shown=False, meaning="what belongs to the reason"),
    Field("predicted_formation", "pred. E form", EV, 3, shown=False, meaning="predicted formation energy"),
    Field("predicted_above_hull", "pred. E hull", EV, 3, meaning="predicted distance from the hull of all results"),
    Field("sigma", "σ", EV, 3, meaning="standard deviation that the models state"),
    Field("asked_in", "asked in", meaning="round whose models were asked last"),
    Field("value", "value", "", 3, shown=False, meaning="what the rule of that round looked at"),
    Field("threshold", "threshold", "", 3, shown=False, meaning="what it was compared with"),
    Field("unit", "unit", shown=False, meaning="of value and threshold"),
    Field("p_stable", "P(stable)", "", 3, meaning="chance to lie on the hull, of candidates without a result"),
    Field("energy", "E", EV, 4, meaning="after the last stage"),
    Field("formation", "E form", EV, 4, meaning="formation energy"),
    Field("above_hull", "E hull", EV, 4, meaning="energy above the hull of references and results"),
    Field("signed", "signed", EV, 4, shown=False, meaning="distance from the hull without the candidate itself"),
    Field(
        "phase_separation",
        "E sep.",
        EV,
        4,
        shown=False,
        meaning="phase-separation energy: from the hull without its composition",
    ),
    Field(
        "underexplored",
        "underexplored",
        shown=False,
        meaning="1: stable, and further below its competitors than 95 % of the known phases of as many elements",
    ),
    Field("decomposition", "decomposes into", meaning="phases on the hull at its composition, in atomic fractions"),
    Field("twin_of", "twin of", meaning="the same crystal, which went on in its place"),
    Field("core_minutes", "cost", "core-min", 1, meaning="core-minutes of all stages"),
    Field("process", "PK", meaning="process that gave the last result"),
    Field("end", "end", shown=False, meaning="where it left the funnel"),
    Field("start_set", "start set", shown=False, meaning="1: relaxed before a model had a say"),
    Field("origin", "origin", shown=False, meaning="where the candidate came from"),
)
"""In the order in which they are shown."""


def property_fields(known: Property) -> tuple[Field, ...]:
    """The columns that :func:`~aiida_mlhull.science.types.properties.columns_of` gives."""
    if known.classes:
        yes = known.classes[-1]
        meaning = f"chance that {known.target} is {yes}, by the ensemble of {known.name}"
        return (Field(f"predicted_{known.name}_p_{yes}", f"P({known.name} = {yes})", "", 3, meaning=meaning),)
    told = f"{known.target}, as the ensemble of {known.name} predicts it"
    return (
        Field(f"predicted_{known.name}", known.name, known.unit, 3, meaning=told),
        Field(f"predicted_{known.name}_sigma", f"σ({known.name})", known.unit, 3, meaning="its standard deviation"),
    )
