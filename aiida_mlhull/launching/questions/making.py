"""Ways to make phases, answered in words: by the energies of a file, of a stored snapshot or of a campaign."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiida_mlhull.launching import profile, stored
from aiida_mlhull.launching.questions import recipes
from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida_mlhull.data import EnsembleData
    from aiida_mlhull.science.recipes import RecipeSettings
    from aiida_mlhull.science.recipes.text_mined import ReadRecipes
    from aiida_mlhull.science.types.recipes import Reactions

BAD_ROWS_SHOWN: Final = 5


def read_literature(literature: str | None) -> tuple[ReadRecipes | None, str]:
    """Published recipes out of a file, and what was read in words; nothing where no file is named."""
    from aiida_mlhull.science.recipes import read_recipes

    if literature is None or not Path(literature).is_file():
        return None, ""
    read = read_recipes(Path(literature))
    bad = [f"\n  {name}: {reason}" for name, reason in list(read.bad_rows.items())[:BAD_ROWS_SHOWN]]
    counts = f"{text.count(len(read.recipes), 'recipe')}, {text.count(len(read.bad_rows), 'bad row')}"
    return read, f"{Path(literature).name}: {counts}{''.join(bad)}"


def ways_to_make(
    target: str,
    known: str | None,
    settings: RecipeSettings,
    *,
    literature: str | None,
    read: ReadRecipes | None,
    products: EnsembleData | None,
    profile_name: str | None,
) -> Iterator[tuple[Reactions | None, str]]:
    """Tables of reactions, each with what is to be said of it.

    Args:
        target: a formula, or a campaign whose new phases are meant.
        known: a file of energies or a stored snapshot; None where a campaign brings its own.
        settings: what is asked for.
        literature: stored recipes, unless they were ``read``.
        read: of a file.
        products: a stored ensemble for the forward check.
        profile_name: of the profile to load, where one is needed.
    """
    from aiida_mlhull.science.recipes.answer import describe

    if known is not None and Path(known).is_file():
        made = recipes.from_file(target, Path(known), settings, literature=read, products=products)
        said = f"{describe(made.reactions)}\n\n{made.tried:,} combinations of precursors, {made.forming:,} of them give {target}"
        missing = f"\nnot among the references: {', '.join(made.missing)}" if made.missing else ""
        yield made.reactions, said + missing
        return
    profile.load(profile_name)
    asked = (stored.references(known), [target], {}) if known is not None else recipes.of_campaign(target)
    snapshot, targets, predictions = asked
    if not targets:
        yield None, f"campaign {target} has found no new phases"
    published = None if literature is None else recipes.literature_node(literature, read)
    given = recipes.from_graph(
        targets, snapshot, settings, predictions=predictions, literature=published, products=products
    )
    for node in given:
        table = node.to_science()
        yield table, f"{describe(table)}\n\nstored: mlhull.reactions {node.pk}\n"
