"""A study as it is written down: its source, its tables, and a row for every number of the source that can be had."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field, model_validator

from aiida_mlhull.science.ensembles.settings import EnsembleSettings
from aiida_mlhull.science.errors import SettingsError, did_you_mean
from aiida_mlhull.science.types.strict import Share, Strict, validated

Size = Literal["quick", "full"]
"""``full`` is a row as it is written; ``quick`` takes less of everything, to run in minutes."""

QUANTITIES: Final = {
    "mae": "MAE",
    "rmse": "RMSE",
    "member_mae": "MAE of members one by one",
    "median": "median error",
    "coverage_95": "share of errors within 1.96 σ",
    "ranking": "order by σ, from chance (0) to the order by error (1)",
    "log_ratio": "median of log10(σ_a / σ_e)",
    "auc": "area under the ROC",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "pairs": "share of pairs of one composition in the right order",
    "slope": "slope of the learning curve",
    "mae_at": "MAE by the learning curve's power law",
}
"""What a row may be about."""

OF_CLASSES: Final = ("auc", "accuracy", "balanced_accuracy")
OF_CURVES: Final = ("slope", "mae_at")
WITHOUT_UNIT: Final = ("coverage_95", "ranking", "log_ratio", "pairs", "slope", *OF_CLASSES)


class StudySource(Strict):
    """Where the numbers were published.

    Attributes:
        citation: authors, journal, year.
        doi: without ``https://doi.org/``; empty for a thesis without one.
    """

    citation: str
    doi: str = ""


class StandIn(Strict):
    """Crystals that a study makes itself where the source's are not public.

    Prototypes of a chemical system go through the three stages of protocol ``ekstrom-2022``, by a universal potential and
    without gates.

    Attributes:
        elements: of the chemical system.
        stage: whose cells and energies are meant.
    """

    elements: tuple[str, ...] = Field(min_length=1)
    stage: Literal["preprerelax", "prerelax", "final"]

    @property
    def system(self) -> str:
        """``Hf-N-Zn``."""
        return "-".join(sorted(self.elements))


class StudyTable(Strict):
    """A table that rows learn from.

    Attributes:
        name: by which rows call it.
        file: its place below the folder of public data.
        about: what it holds and who published it.
        kind: ``properties``: a number for every row, with its cell or its formula; ``pairs``: cells before and after
            relaxation with their energies.
        stand_in: what is made where the file isn't there.
        measured_from: energies of the elements, eV/atom: the target is a total energy, and the formation energy is learned.
    """

    name: str
    file: str
    about: str
    kind: Literal["properties", "pairs"] = "properties"
    stand_in: StandIn | None = None
    measured_from: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_elements(self) -> StudyTable:
        if self.stand_in is not None and set(self.stand_in.elements) != set(self.measured_from):
            raise ValueError(f"table {self.name}: a stand-in's energies are measured from its elements: name them all")
        return self


class TwoClasses(Strict):
    """A number as two classes.

    Attributes:
        names: of the rows above the threshold, and of those up to it, which ROC curves are about.
        above: the threshold, in the column's unit.
    """

    names: tuple[str, str]
    above: float


class Quick(Strict):
    """What is less at size ``quick``.

    Attributes:
        members: of the ensemble.
        model_settings: settings of the model that differ.
        learn: at most so many rows to learn from.
        asked: at most so many rows to test on.
        sizes: of a learning curve.
    """

    members: int | None = Field(default=None, ge=1)
    model_settings: dict[str, Any] = Field(default_factory=dict)
    learn: int | None = Field(default=None, ge=1)
    asked: int | None = Field(default=None, ge=1)
    sizes: tuple[int, ...] = ()


class StudyRow(Strict):
    """A number of the source, and how to come by one's own.

    Attributes:
        name: of the row.
        about: what is learned by what, in words.
        where: table or figure of the source.
        quantity: see :data:`QUANTITIES`.
        figure: the source's number, in the unit; None where it isn't at hand.
        differs: what is different from the source.
        table: name of a table.
        target: column of the table; of pairs the energy, which needs no name.
        unit: of the target.
        classes: the column as two classes.
        only_above: leaves out rows whose value is not above it: 0 leaves metals out of band gaps.
        ensemble: settings of the ensemble, see :class:`~aiida_mlhull.science.ensembles.EnsembleSettings`.
        weights: place of published weights below the folder of public data, asked instead of an ensemble of one's own.
        parent: name of the row whose ensemble the members begin with.
        by: what a split keeps on one side: a row, a formula, or a crystal (one formula, one energy to 1 meV).
        test_share: of all rows, set aside.
        learn: at most so many rows to learn from; all others if None.
        asked: at most so many rows to test on.
        cells: cells that are asked about, of pairs.
        sizes: rows to learn from, of a learning curve.
        at: rows that the curve's power law is asked about.
        quick: see :class:`Quick`.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    about: str
    where: str
    quantity: str = "mae"
    figure: float | None = None
    differs: str = ""
    table: str
    target: str = ""
    unit: str = ""
    classes: TwoClasses | None = None
    only_above: float | None = None
    ensemble: dict[str, Any] = Field(default_factory=dict)
    weights: str = ""
    parent: str = ""
    by: Literal["row", "formula", "crystal"] = "row"
    test_share: Share = 0.2
    learn: int | None = Field(default=None, ge=1)
    asked: int | None = Field(default=None, ge=1)
    cells: Literal["unrelaxed", "relaxed"] = "unrelaxed"
    sizes: tuple[int, ...] = ()
    at: int | None = Field(default=None, ge=1)
    quick: Quick = Field(default_factory=Quick)

    @model_validator(mode="after")
    def _check(self) -> StudyRow:
        if self.quantity not in QUANTITIES:
            hint = did_you_mean(self.quantity, QUANTITIES)
            raise ValueError(f"no quantity {self.quantity!r}{hint} (known: {', '.join(QUANTITIES)})")
        if (self.quantity in OF_CLASSES) != (self.classes is not None):
            raise ValueError(f"{self.quantity} and classes don't go together")
        if (self.quantity in OF_CURVES) != bool(self.sizes):
            raise ValueError("a learning curve has sizes, and is about slope or mae_at")
        if (self.quantity == "mae_at") != (self.at is not None):
            raise ValueError("mae_at is the error 'at' so many rows: name both or neither")
        if bool(self.weights) == bool(self.ensemble):
            raise ValueError("name either an ensemble or weights")
        if self.ensemble:
            try:
                self.settings("full")
                self.settings("quick")
            except SettingsError as error:
                raise ValueError(str(error)) from error
        return self

    def settings(self, size: Size) -> EnsembleSettings:
        """The ensemble's settings at a size.

        Raises:
            SettingsError: if they are wrong, or the row asks published weights.
        """
        if self.weights:
            raise SettingsError(f"row {self.name} fits nothing: it asks published weights")
        values: dict[str, Any] = {"volume_scaling": False} if self.target else {}
        values |= {"unit": self.unit, "classes": () if self.classes is None else self.classes.names}
        values |= {"target": self.target} if self.target else {}
        values |= self.ensemble
        if size == "quick":
            values["members"] = self.quick.members or values.get("members", 1)
            values["model_settings"] = {**values.get("model_settings", {}), **self.quick.model_settings}
        settings: EnsembleSettings = validated(EnsembleSettings, values, what=f"ensemble of row {self.name}")
        return settings


class OutOfReach(Strict):
    """A number of the source that can't be had.

    Attributes:
        what: it is.
        where: table or figure of the source.
        why: it can't be had.
    """

    what: str
    where: str
    why: str


class Study(Strict):
    """A published study.

    Attributes:
        name: of the study.
        title: one line.
        source: see :class:`StudySource`.
        about: what it is about, and what is different here, for people.
        tables: that rows learn from.
        rows: numbers of the source that can be had.
        out_of_reach: numbers that can't.
        shared: whatever rows have in common, for the anchors of YAML; not looked at.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    title: str
    source: StudySource
    about: str
    tables: tuple[StudyTable, ...] = Field(min_length=1)
    rows: tuple[StudyRow, ...] = Field(min_length=1)
    out_of_reach: tuple[OutOfReach, ...] = ()
    shared: Any = Field(default=None, exclude=True)

    @model_validator(mode="after")
    def _check(self) -> Study:
        tables, rows = [one.name for one in self.tables], [one.name for one in self.rows]
        for names in (tables, rows):
            if len(set(names)) < len(names):
                raise ValueError(f"a name is there twice among {', '.join(names)}")
        for place, row in enumerate(self.rows):
            if row.table not in tables:
                raise ValueError(f"row {row.name}: no table {row.table!r}{did_you_mean(row.table, tables)}")
            if not row.target and self.table(row.table).kind == "properties":
                raise ValueError(f"row {row.name}: target is missing")
            if row.parent and row.parent not in rows[:place]:
                hint = did_you_mean(row.parent, rows[:place])
                raise ValueError(f"row {row.name}: no row {row.parent!r} before it that could be its parent{hint}")
            self._check_parent(row)
        return self

    def _check_parent(self, row: StudyRow) -> None:
        transfers = bool(row.ensemble) and row.settings("full").transfer.mode != "scratch"
        if transfers != bool(row.parent):
            raise ValueError(f"row {row.name}: a parent and a transfer mode other than scratch belong together")
        if row.parent and self.row(row.parent).sizes:
            raise ValueError(f"row {row.name}: {row.parent} is a learning curve, which has no single ensemble")

    def table(self, name: str) -> StudyTable:
        """The table of this name."""
        return next(one for one in self.tables if one.name == name)

    def row(self, name: str) -> StudyRow:
        """The row of this name."""
        return next(one for one in self.rows if one.name == name)
