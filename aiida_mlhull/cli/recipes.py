"""``aiida-mlhull recipes``, ``slice`` and ``air``: how to make a phase, and whether it lasts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from aiida_mlhull.cli import paths, text
from aiida_mlhull.launching import profile, stored

if TYPE_CHECKING:
    from aiida_mlhull.data import RecipesData, ReferencesData
    from aiida_mlhull.science.types import References
    from aiida_mlhull.science.types.recipes import Reactions

PICTURES: Final = (".html", ".png", ".pdf", ".svg")

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
@click.option("--triples", is_flag=True, help="Three precursors in place of two.")
@click.option("--no-by-products", is_flag=True, help="Only reactions that give nothing but the target.")
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="Reactions to show.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the sampled hulls.")
@click.option("-o", "--output", type=paths.NEW, metavar="FILE", help="Write them as .csv, .json or .parquet, too.")
@click.pass_obj
def recipes(
    profile_name: str | None,
    /,
    *,
    target: str,
    known: str | None,
    literature: str | None,
    output: Path | None,
    **words: Any,
) -> None:
    """Ways to make FORMULA, or every new phase of campaign PK, the best first.

    Energies are taken from --references. Given a snapshot or a campaign, the answer is stored with all that it
    follows from; given a file, it is only printed.
    """
    settings = _settings(**words)
    tables = []
    if known is not None and Path(known).is_file():
        from aiida_mlhull.science.recipes import Literature, recommend

        references = _read_references(Path(known))
        published = None if literature is None else Literature(_read_literature(Path(literature)))
        made = recommend(target, references, settings, literature=published)
        click.echo(describe(made.reactions))
        click.echo(f"\n{made.tried:,} combinations of precursors, {made.forming:,} of them give {target}")
        if made.missing:
            click.echo(f"not among the references: {', '.join(made.missing)}")
        tables.append(made.reactions)
    else:
        profile.load(profile_name)
        tables = _stored(target, known, literature, settings.model_dump(mode="json"))
    if output is not None and tables:
        from aiida_mlhull.science.tables.export import to_csv, to_json, to_parquet

        writers = {".csv": to_csv, ".json": to_json, ".parquet": to_parquet}
        if output.suffix not in writers:
            raise click.BadParameter(f"{output.name}: known are {', '.join(writers)}", param_hint="--output")
        output.write_bytes(writers[output.suffix](_joined(tables)))


def _joined(tables: list[Reactions]) -> Reactions:
    """All targets in one table; ids say which target they belong to."""
    from dataclasses import replace

    import numpy as np

    from aiida_mlhull.science.types import concatenate

    if len(tables) == 1:
        return tables[0]
    named = [
        replace(one, ids=np.asarray([f"{f}-{i}" for f, i in zip(one.formulas.tolist(), one.ids.tolist(), strict=True)]))
        for one in tables
    ]
    return concatenate([one for one in named if len(one)] or named[:1])


def _settings(**words: Any) -> Any:
    """Checked settings of the command line.

    Raises:
        SettingsError: naming what is wrong.
    """
    from aiida_mlhull.science.recipes import RecipeSettings
    from aiida_mlhull.science.types.strict import validated

    values: dict[str, Any] = {
        "ranking": words["ranking"],
        "conditions": _conditions(words["temperature"], words["atmosphere"], words["corrections"]),
        "extra_elements": tuple(filter(None, words["extra"].split(","))),
        "size": 3 if words["triples"] else 2,
        "top": words["top"],
        "by_products": not words["no_by_products"],
        "seed": words["seed"],
    }
    if words["precursors"] is not None:
        lines = [line.split("#")[0].strip() for line in words["precursors"].read_text().splitlines()]
        values |= {"source": "list", "precursors": tuple(filter(None, lines))}
    if words["from_literature"] is not None:
        values |= {"source": "literature", "at_least": words["from_literature"]}
    return validated(RecipeSettings, values, what="recipes")


def _conditions(temperature: float | None, atmosphere: str, corrections: str) -> Any:
    from aiida_mlhull.science.thermochemistry import conditions

    name: str | dict[str, float] = atmosphere
    if "=" in atmosphere:
        try:
            name = {gas.strip(): float(bar) for gas, _, bar in (part.partition("=") for part in atmosphere.split(","))}
        except ValueError:
            raise click.BadParameter(
                f"{atmosphere!r}: pressures are written O2=0.2,CO2=1e-3, in bar", param_hint="--atmosphere"
            ) from None
    return conditions({"temperature": temperature or 0.0, "atmosphere": name, "corrections": corrections})


def _read_references(path: Path) -> References:
    from aiida_mlhull.science.reading import read_references

    return read_references(path, bad_rows="leave_out").references


def _read_literature(path: Path) -> Any:
    from aiida_mlhull.science.recipes import read_recipes

    read = read_recipes(path)
    click.echo(
        f"{path.name}: {text.count(len(read.recipes), 'recipe')}, {text.count(len(read.bad_rows), 'bad row')}", err=True
    )
    for name, reason in list(read.bad_rows.items())[:5]:
        click.echo(f"  {name}: {reason}", err=True)
    return read.recipes


def _stored(target: str, known: str | None, literature: str | None, settings: dict[str, Any]) -> list[Reactions]:
    """Answers in the graph: for a formula and a snapshot, or for a campaign's new phases."""
    from aiida import orm

    from aiida_mlhull.calculations.recipes import recommend_reactions

    snapshot, targets, predictions = _energies(target, known)
    inputs: dict[str, Any] = {"settings": orm.Dict(settings), "references": snapshot, **predictions}
    if literature is not None:
        inputs["literature"] = _literature_node(literature)
    tables = []
    for formula in targets:
        node = recommend_reactions(target=orm.Str(formula), **inputs)
        tables.append(node.to_science())
        click.echo(f"{describe(tables[-1])}\n\nstored: mlhull.reactions {node.pk}\n")
    return tables


def _energies(target: str, known: str | None) -> tuple[ReferencesData, list[str], dict[str, Any]]:
    """The snapshot to ask, the formulas to make, and predictions of what was not relaxed."""
    if known is not None:
        return stored.references(known), [target], {}
    from aiida import orm

    from aiida_mlhull.calculations.snapshot import extend_references
    from aiida_mlhull.graph import campaigns
    from aiida_mlhull.graph.models import prediction_nodes
    from aiida_mlhull.science.recipes import new_phases

    node = campaigns.find(target)
    if not node.is_finished_ok:
        raise click.ClickException(
            f"campaign {node.pk} ({node.label}) is {campaigns.process_state(node)}: only campaigns that have ended well "
            "have new phases; name a formula and --references to ask for one"
        )
    shards = dict(node.outputs.results.items())
    snapshot = extend_references(node.inputs.references, orm.Str(f"campaign {node.label or node.pk}"), **shards)
    found = new_phases(snapshot.to_science(), node.inputs.references.to_science())
    if not found:
        click.echo(f"campaign {node.pk} has found no new phases")
    said = {f"predictions_{i:06d}": one for i, one in enumerate(prediction_nodes(node.pk))}
    return snapshot, found, said


def _literature_node(name: str) -> RecipesData:
    from aiida_mlhull.data import RecipesData

    if Path(name).is_file():
        return RecipesData.from_science(_read_literature(Path(name)), label=Path(name).name).store()
    return stored.node(name, RecipesData, what="mlhull.recipes")


def describe(table: Reactions) -> str:
    """The answer for one target as text."""
    if not len(table):
        return "no combination of these precursors gives the target: allow other elements with --with"
    rows = []
    for i in range(len(table)):
        spread = table.gamma_std[i]
        rows.append(
            (
                i + 1,
                table.equations[i],
                _mev(table.reaction_energies[i]),
                "yes" if table.deepest[i] else "no",
                _mev(table.inverse_hull[i]),
                _mev(table.primary[i]),
                _mev(table.secondary[i]),
                _mev(table.gamma[i]) + ("" if spread != spread else f" ± {_mev(spread)}"),  # noqa: PLR0124  (NaN)
                table.competing[i] or "-",
                _published(table, i),
            )
        )
    headers = ("", "reaction", "ΔE", "deepest", "inv. hull", "C1", "C2", "Γ", "competing", "published")
    lines = [
        f"{table.formulas[0]}: {table.conditions}; by {table.ranking}; meV per atom of reactants",
        text.table(headers, rows),
    ]
    if table.decisive[0]:
        lines.append(f"relaxing {table.decisive[0]} would be most likely to change this order")
    return "\n".join(lines)


def _mev(value: float) -> str:
    return "-" if value != value else f"{1000 * value:.1f}"  # noqa: PLR0124  (NaN)


def _published(table: Reactions, i: int) -> str:
    count = table.precedents[i]
    if not count > 0:
        return "-" if count != count or not table.nearest[i] else f"none (nearest {table.nearest[i]})"  # noqa: PLR0124
    heated = "" if table.temperatures[i] != table.temperatures[i] else f", {table.temperatures[i]:.0f} K"
    whole = "" if table.hours[i] != table.hours[i] else f" {table.hours[i]:g} h"
    return f"{count:.0f} for {table.nearest[i]}{heated}{whole}, {table.published[i]}"


@click.command("slice")
@click.argument("start", metavar="A")
@click.argument("end", metavar="B")
@REFERENCES
@TEMPERATURE
@ATMOSPHERE
@CORRECTIONS
@click.option("--target", metavar="FORMULA", help="Phase to point out.")
@click.option("-o", "--output", type=paths.NEW, metavar="FILE", help="Picture: .html, .png, .pdf or .svg.")
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
    **words: Any,
) -> None:
    """What mixtures of A and B can become: every kink of the hull between the two."""
    from aiida_mlhull.science.plots.slices import slice_picture, write_slice
    from aiida_mlhull.science.recipes.between import between

    if output is not None and output.suffix not in PICTURES:
        raise click.BadParameter(f"{output.name}: known are {', '.join(PICTURES)}", param_hint="--output")
    space, line = between(start, end, _known(profile_name, known), _conditions(**words))
    goal = None if target is None else space.row(target)
    picture = slice_picture(space, line, (start, end), target=goal)
    rows = [
        (f"{x:.4f}", f"{energy:.1f}", " + ".join(names) + ("   <- target" if i in picture.target else ""))
        for i, (x, energy, names) in enumerate(zip(picture.x, picture.energies, picture.products, strict=True))
    ]
    click.echo(text.table((f"x({end})", "meV/atom", "phases"), rows))
    if goal is not None and not picture.target:
        click.echo(f"\n{target} is at none of the kinks")
    if output is not None:
        write_slice(picture, output)
        click.echo(f"\nwritten: {output}")


def _known(profile_name: str | None, known: str | None) -> References:
    if known is None:
        raise click.UsageError("say which energies to use: --references PK or FILE")
    if Path(known).is_file():
        return _read_references(Path(known))
    profile.load(profile_name)
    return stored.references(known).to_science()


@click.command()
@click.argument("target", metavar="FORMULA")
@REFERENCES
@click.option("--temperature", type=float, default=298.15, show_default=True, metavar="K")
@CORRECTIONS
@click.pass_obj
def air(profile_name: str | None, /, target: str, known: str | None, temperature: float, corrections: str) -> None:
    """Does FORMULA react with the oxygen, carbon dioxide or water of moist air, and how strongly?

    Solids are taken at 0 K, gases at their partial pressure. The A-Lab leaves out targets that react.
    """
    from aiida_mlhull.science.recipes import in_air

    tested = in_air(target, _known(profile_name, known), temperature=temperature, corrections=corrections)
    rows = [
        (
            one.gas,
            f"{one.pressure:g}",
            "-" if one.note else ("yes" if one.reacts else "no"),
            _mev(one.energy),
            one.note or one.equation or "-",
        )
        for one in tested
    ]
    click.echo(text.table(("gas", "bar", "reacts", "meV/atom", "reaction"), rows))
