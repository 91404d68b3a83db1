"""From files and words to a generator and what it starts from, and from its shards to a table or a group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida_mlhull.science.generators.base import Generator, GeneratorInput, Plan
    from aiida_mlhull.science.generators.parents import Parents
    from aiida_mlhull.science.reading.references import ReferenceIntake
    from aiida_mlhull.science.reading.sieve import LeftOut
    from aiida_mlhull.science.tables.writing import Shard, Written
    from aiida_mlhull.science.types import Candidates, Substitutions


@dataclass(frozen=True, eq=False)
class Start:
    """What a generator starts from, and what was read for it.

    Attributes:
        given: to the generator.
        references: that were read; None if there are none.
        parents: crystals that were read, and rows that could not be used; None if there are none.
    """

    given: GeneratorInput
    references: ReferenceIntake | None
    parents: tuple[Parents, LeftOut] | None


def make_generator(name: str, settings: Path | None = None) -> Generator:
    """The generator of that name, with the settings of a YAML file.

    Raises:
        UnknownNameError: if there is no such generator.
        SettingsError: if the file has a key that the generator doesn't know.
    """
    from aiida_mlhull.science.campaign.file import read_mapping
    from aiida_mlhull.science.generators import GENERATORS
    from aiida_mlhull.science.types.strict import validated

    kind = GENERATORS[name]
    values = {} if settings is None else read_mapping(settings)
    generator: Generator = kind(validated(kind.Settings, values, what=name if settings is None else settings.name))
    return generator


def read_start(
    generator: Generator,
    name: str,
    names: Sequence[str],
    *,
    crystals: Path | None = None,
    references: Path | None = None,
    elements: Path | None = None,
    table: Path | None = None,
) -> Start:
    """Read what the generator needs.

    Args:
        generator: that is to start.
        name: its own.
        names: a file or folder of crystals, elements or formulas.
        crystals: to take as prototypes, where the generator doesn't start from crystals.
        references: competing phases: hull of the parents, known compositions.
        elements: elemental references, if they stand apart.
        table: substitution table to draw from, instead of mining one.

    Raises:
        InputError: if it is something else.
    """
    from aiida_mlhull.science.generators.base import GeneratorInput
    from aiida_mlhull.science.generators.parents import read_parents
    from aiida_mlhull.science.reading import read_references
    from aiida_mlhull.science.representations.composition import distinct
    from aiida_mlhull.science.wire import decode_substitutions

    from_crystals = generator.needs == "crystals"
    if not names or (from_crystals and len(names) > 1):
        wanted = "one file or folder of crystals" if from_crystals else f"some {generator.needs}"
        raise InputError(f"{name} starts from {wanted}: aiida-mlhull generate {name} ...")
    if from_crystals and crystals is not None:
        raise InputError(f"{name} starts from {names[0]}; --crystals is for prototypes")
    intake = None if references is None else read_references(references, elements=elements, bad_rows="leave_out")
    phases = None if intake is None else intake.references
    source = Path(names[0]) if from_crystals else crystals
    parents = None if source is None else read_parents(source, references=phases)
    given = GeneratorInput(
        crystals=None if parents is None else parents[0],
        elements=tuple(names) if generator.needs == "elements" else (),
        formulas=tuple(names) if generator.needs == "formulas" else (),
        table=None if table is None else decode_substitutions(table.read_bytes(), name=table.name),
        known=frozenset() if phases is None else frozenset(distinct(phases.formulas.tolist())[0]),
    )
    return Start(given, intake, parents)


def table_of(generator: object, start: GeneratorInput) -> Substitutions:
    """The table that a generator draws from.

    Raises:
        InputError: if it draws from none.
    """
    from aiida_mlhull.science.generators.substitution import Substitution

    if not isinstance(generator, Substitution):
        raise InputError("only substitution draws from a substitution table")
    return generator.table(start)


def keep_table(table: Substitutions, file: Path | None, picture: Path | None) -> list[Path]:
    """Write and draw a substitution table; the files that were written."""
    from aiida_mlhull.science.plots.substitutions import draw_substitutions
    from aiida_mlhull.science.wire import encode_substitutions

    if file is not None:
        file.write_bytes(encode_substitutions(table))
    if picture is not None:
        draw_substitutions(table, title=table.source).savefig(picture)
    return [path for path in (file, picture) if path is not None]


def store(shards: Iterator[Shard], group: str, *, progress: Callable[[Shard], None]) -> tuple[Written, int]:
    """Store shards as nodes of a new group.

    Returns:
        What became of the draws, and how many nodes there are.
    """
    from aiida_mlhull.data.shards import store_shards
    from aiida_mlhull.science.tables.writing import Written

    left_out = Counter[str]()

    def rows() -> Iterator[Candidates]:
        for shard in shards:
            left_out.update(shard.left_out)
            progress(shard)
            yield shard.candidates

    nodes = store_shards(rows(), group=group)
    return Written(sum(node.n_rows for node in nodes), left_out), len(nodes)


def describe_start(start: Start) -> str:
    """What was read, for people, one line each."""
    lines = [] if start.references is None else [f"{start.references.summary()}\n"]
    if start.parents is not None:
        parents, left_out = start.parents
        lines.append(
            f"{parents.source}: {text.count(len(parents), 'crystal')}, {parents.symmetric} with symmetry beyond P1; "
            f"{left_out.summary()}; other columns stay with them\n"
        )
    return "".join(lines)


def describe_plan(name: str, plan: Plan) -> str:
    """What would be drawn, for people."""
    facts = [(what, value) for what, value in plan.facts.items() if value is not None]
    return f"\n{name}\n{text.pairs([*facts, ('draws', plan.draws)])}"


def describe_written(written: Written) -> str:
    """What became of the draws, for people."""
    reasons = [(reason.replace("_", " "), count) for reason, count in written.left_out.most_common()]
    return text.pairs([("draws", written.drawn), *reasons, ("candidates", written.candidates)])
