"""``aiida-mlhull recipes``, ``slice`` and ``air``: how to make a phase, and whether it lasts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiida_mlhull.cli import paths
from aiida_mlhull.launching import profile

if TYPE_CHECKING:
    from aiida_mlhull.science.types import References

REFERENCES = click.option(
    "--references",
    "known",
    metavar="PK|FILE",
    help="Energies: a stored snapshot, or a file as 'references import' takes it. A campaign brings its own.",
)
TEMPERATURE = click.option("--temperature", type=float, metavar="K", help="Of the reaction; 0 K if left out.")
ATMOSPHERE = click.option(
    "--atmosphere",
    default="closed",
    show_default=True,
    metavar="NAME|GAS=BAR,...",
    help="air, O2, Ar, N2, vacuum, or partial pressures such as O2=0.2,CO2=1e-3.",
)
CORRECTIONS = click.option("--corrections", default="none", show_default=True, help="A declared scheme.")


@click.command()
@click.argument("target", metavar="FORMULA|PK")
@REFERENCES
@TEMPERATURE
@ATMOSPHERE
@CORRECTIONS
@click.option("--precursors", type=paths.KNOWN, metavar="FILE", help="Formulas to choose from, one per line.")
@click.option("--from-literature", type=click.IntRange(min=1), metavar="N", help="Choose from what N recipes use.")
@click.option("--with", "extra", metavar="ELEMENT,...", default="", help="Other elements that precursors may bring.")
@click.option("--literature", metavar="PK|FILE", help="Published recipes: stored ones, or the text-mined JSON.")
@click.option("--ranking", default="selectivity", show_default=True, help="Order, see the documentation of recipes.")
@click.option(
    "--weights", nargs=3, type=float, default=(0.10, 0.45, 0.45), show_default=True, help="Of ΔE, C1 and C2 in Γ."
)
@click.option("--triples", is_flag=True, help="Three precursors in place of two.")
@click.option("--no-by-products", is_flag=True, help="Only reactions that give nothing but the target.")
@click.option(
    "--forward",
    default="nearest",
    show_default=True,
    metavar="NAME|PK",
    help="Product model that says what literature expects of the precursors, a fitted ensemble of one, or none.",
)
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="Reactions to show.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the sampled hulls.")
@click.option(
    "-o", "--output", type=paths.NEW_TABLE, metavar="FILE", help="Write them as .csv, .json or .parquet, too."
)
@click.pass_obj
def recipes(
    profile_name: str | None,
    /,
    *,
    target: str,
    known: str | None,
    literature: str | None,
    output: Path | None,
    temperature: float | None,
    atmosphere: str,
    corrections: str,
    **words: Any,
) -> None:
    """Ways to make FORMULA, or every new phase of campaign PK, the best first.

    Energies are taken from --references. Given a snapshot or a campaign, the answer is stored with all that it
    follows from; given a file, it is only printed.
    """
    from aiida_mlhull.launching.questions import making
    from aiida_mlhull.launching.questions import recipes as asking

    products = asking.fitted_products(words["forward"], profile_name)
    if products is not None:
        words["forward"] = products.base.attributes.get("model")
    settings = asking.settings_of(conditions=asking.conditions_of(temperature, atmosphere, corrections), **words)
    read, said = making.read_literature(literature)
    if said:
        click.echo(said, err=True)
    asked: dict[str, Any] = {"literature": literature, "read": read, "products": products, "profile_name": profile_name}
    tables = []
    for table, answer in making.ways_to_make(target, known, settings, **asked):
        click.echo(answer)
        tables += [] if table is None else [table]
    if output is not None and tables:
        from aiida_mlhull.science.tables.export import WRITERS
        from aiida_mlhull.science.types.recipes import joined

        output.write_bytes(WRITERS[output.suffix[1:]](joined(tables)))


@click.command("slice")
@click.argument("start", metavar="A")
@click.argument("end", metavar="B")
@REFERENCES
@TEMPERATURE
@ATMOSPHERE
@CORRECTIONS
@click.option("--target", metavar="FORMULA", help="Phase to point out.")
@click.option("-o", "--output", type=paths.NEW_PICTURE, metavar="FILE", help="Picture: .html, .png, .pdf or .svg.")
@click.pass_obj
def slice_command(
    profile_name: str | None,
    /,
    *,
    start: str,
    end: str,
    known: str | None,
    target: str | None,
    output: Path | None,
    **conditions: Any,
) -> None:
    """What mixtures of A and B can become: every kink of the hull between the two."""
    from aiida_mlhull.launching.questions.recipes import conditions_of
    from aiida_mlhull.science.plots.slices import slice_picture, write_slice
    from aiida_mlhull.science.recipes.between import between

    space, line = between(start, end, _references(profile_name, known), conditions_of(**conditions))
    goal = None if target is None else space.row(target)
    picture = slice_picture(space, line, (start, end), target=goal)
    click.echo(picture.as_table())
    if goal is not None and not picture.target:
        click.echo(f"\n{target} is at none of the kinks")
    if output is not None:
        write_slice(picture, output)
        click.echo(f"\nwritten: {output}")


def _references(profile_name: str | None, known: str | None) -> References:
    from aiida_mlhull.launching.questions.recipes import references

    if known is None:
        raise click.UsageError("say which energies to use: --references PK or FILE")
    if not Path(known).is_file():
        profile.load(profile_name)
    return references(known)


@click.command()
@click.argument("target", metavar="FORMULA")
@REFERENCES
@click.option("--temperature", type=float, default=298.15, show_default=True, metavar="K", help="Of the air.")
@CORRECTIONS
@click.pass_obj
def air(profile_name: str | None, /, target: str, known: str | None, temperature: float, corrections: str) -> None:
    """Does FORMULA react with the oxygen, carbon dioxide or water of moist air, and how strongly?

    Solids are taken at 0 K, gases at their partial pressure. The A-Lab leaves out targets that react.
    """
    from aiida_mlhull.science.recipes import in_air
    from aiida_mlhull.science.recipes.answer import describe_air

    tested = in_air(target, _references(profile_name, known), temperature=temperature, corrections=corrections)
    click.echo(describe_air(tested))
