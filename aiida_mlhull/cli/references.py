"""``aiida-mlhull references``: snapshots of known phases, from files and from what campaigns have found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiida_mlhull.cli import paths, progress
from aiida_mlhull.launching import profile
from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida_mlhull.science.reading.references import ReferenceIntake


@click.group()
def references() -> None:
    """Store the phases that candidates compete with, as snapshots that never change."""


class SourceGroup(click.Group):
    """Databases by their names; anything else is a file or folder."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read a path as the argument of the hidden command ``file``."""
        if args and args[0] not in {*self.commands, "--help", "-h"}:
            args = ["file", *args]
        return super().parse_args(ctx, args)


@references.group("import", cls=SourceGroup, subcommand_metavar="FILE|FOLDER|SOURCE ...")
def importing() -> None:
    """Import known phases as a snapshot, from a file, a folder of VASP's calculations, or a database.

    \b
    aiida-mlhull references import entries.json            a file: see 'references import file --help'
    aiida-mlhull references import my-calculations/        folders with vasprun.xml
    aiida-mlhull references import materials-project Ti Zn N
    aiida-mlhull references import optimade URL --energy COLUMN --scheme oqmd-pbe
    """  # noqa: D301  (click's mark for a paragraph that keeps its lines)


def _scheme_option(command: Any) -> Any:
    return click.option(
        "--scheme",
        default="",
        metavar="ID|TEXT",
        help="Functional, settings and corrections of all these energies: an id of 'references schemes', or words. What "
        "the file itself says is compared with it.",
    )(command)


@importing.command("file")
@click.argument("file", type=paths.KNOWN_OR_FOLDER, metavar="FILE|FOLDER")
@click.option("--elements", type=paths.KNOWN, metavar="FILE", help="Elemental references (.json), if they stand apart.")
@_scheme_option
@click.option(
    "--corrections",
    type=click.Choice(["mp2020", "none", "included"]),
    help="Of computed entries: apply MP2020, take the energies without any, or as they are corrected in the file. "
    "[default: included if they carry corrections, else mp2020]",
)
@click.option("--only", default="", metavar="FUNCTIONAL", help="Take only phases of it: PBE, r2SCAN, GGA_GGA+U.")
@click.option(
    "--guesses",
    type=click.Choice(["leave_out", "keep"]),
    default="leave_out",
    show_default=True,
    help="Of entries without a structure whose correction depends on it (peroxides, thiosulfates).",
)
@click.pass_obj
def import_file(profile_name: str | None, /, *, file: Path, **words: Any) -> None:
    """Import FILE: a table (.parquet, .csv), pymatgen's computed entries or documents of the Materials Project's API
    (.json, .json.gz); or FOLDER with VASP's calculations (vasprun.xml).

    What the entries say of their own calculations is compared: several functionals, or U in some and not in others,
    are refused. MP2020 corrections are applied by pymatgen with run type, U values and pseudopotentials of every
    entry's own parameters. Entries that it refuses are left out; how many, and why, is said.
    """  # noqa: D205  (click joins the lines)
    from aiida_mlhull.launching.materials.references import read_file

    _store(profile_name, read_file(file, **words), label=file.name)


@importing.command("materials-project")
@click.argument("elements", nargs=-1, required=True, metavar="ELEMENT...")
@click.option(
    "--thermo-type",
    type=click.Choice(["GGA_GGA+U", "GGA_GGA+U_R2SCAN", "R2SCAN"]),
    default="GGA_GGA+U",
    show_default=True,
    help="Which of the project's hulls. The first one meets CHGNet's energies and VASP's at the project's settings; the "
    "second is what its website shows.",
)
@click.option("--partial", is_flag=True, help="Take what came where less comes than the project lists; else an error.")
@click.pass_obj
def import_materials_project(profile_name: str | None, /, *, elements: tuple[str, ...], **words: Any) -> None:
    """Import the phases of a chemical system, and of the systems in it, from the Materials Project.

    The key is read from MP_API_KEY. Needs the extra 'mp'.
    """
    from aiida_mlhull.launching.materials.references import from_materials_project

    _store(profile_name, from_materials_project(elements, **words))


@importing.command("optimade")
@click.argument("url")
@click.option("--filter", "query", default="", metavar="FILTER", help="OPTIMADE filter; everything if left out.")
@click.option("--energy", required=True, metavar="COLUMN", help="The provider's column of energies.")
@click.option("--per", type=click.Choice(["atom", "cell"]), default="atom", show_default=True, help="Unit of COLUMN.")
@click.option("--formation", is_flag=True, help="COLUMN holds formation energies: elements are at 0 eV/atom.")
@click.option("--scheme", required=True, metavar="ID|TEXT", help="Of these energies; OPTIMADE doesn't state any.")
@click.option(
    "--page", "page_size", type=click.IntRange(min=1), default=100, show_default=True, help="Structures per request."
)
@click.option("--pause", type=click.FloatRange(min=0), default=0.5, show_default=True, help="Seconds between requests.")
@click.option("--partial", is_flag=True, help="Take what came where less comes than was announced; else an error.")
@click.pass_obj
def import_optimade(profile_name: str | None, /, *, url: str, **words: Any) -> None:
    """Import phases that a filter finds in the OPTIMADE database at URL, with a column of its own as energies."""
    from aiida_mlhull.launching.materials.references import from_optimade

    _store(profile_name, from_optimade(url, **words))


def _store(profile_name: str | None, intake: ReferenceIntake, *, label: str = "") -> None:
    """Store what was read, and say what it is."""
    profile.load(profile_name)
    from aiida_mlhull.launching.materials.references import describe, store

    node = store(intake, label=label or intake.references.source)
    click.echo(describe(node, left_out=intake.left_out, remarks=intake.remarks))


@references.command()
def schemes() -> None:
    """List the schemes that have an id: what energies of a kind are, and which may meet in one hull."""
    from aiida_mlhull.science.schemes import KNOWN

    for known in KNOWN.values():
        click.echo(f"{known.name}\n{text.pairs([('text', known.text)])}")
        click.echo(click.wrap_text(known.meaning, width=100, initial_indent="  ", subsequent_indent="  "))
        click.echo(f"  also called: {', '.join(known.aliases)}\n" if known.aliases else "")


@references.command("compute")
@click.argument("elements", nargs=-1, required=True, metavar="ELEMENT...")
@click.option("--like", "campaign_file", type=paths.KNOWN, required=True, metavar="YAML", help="Whose last stage.")
@click.option("--engine", metavar="NAME", help="Take the campaign's last stage by this engine.")
@click.pass_obj
def compute(profile_name: str | None, elements: tuple[str, ...], campaign_file: Path, engine: str | None) -> None:
    """Compute elemental references with the settings of a campaign's last stage.

    Ground states of the elements are relaxed here and now by the stage's engine, so that their energies meet those of
    the campaign in one hull; molecules (H, N, O, F, Cl) at a fixed box. The campaign file needn't have references yet.
    """
    from aiida_mlhull.launching.materials import elements as elemental

    stage, words = elemental.campaign_stage(campaign_file, engine=engine)
    profile.load(profile_name)
    from aiida_mlhull.launching.materials.references import describe

    click.echo(describe(elemental.compute(elements, stage, words, progress=progress.show)))


@references.command("from-campaign")
@click.argument("campaign", metavar="PK")
@click.pass_obj
def from_campaign(profile_name: str | None, campaign: str) -> None:
    """Add what campaign PK has found to the references that it started from.

    Failed relaxations are left out.
    """
    profile.load(profile_name)
    from aiida_mlhull.graph import campaigns
    from aiida_mlhull.launching.materials import references as snapshots

    node, failed = snapshots.from_campaign(campaigns.find(campaign))
    click.echo(snapshots.describe(node, failed=failed))


@references.command("from-group")
@click.argument("group")
@click.option("--references", "known", required=True, metavar="PK", help="The snapshot that they are added to.")
@click.option("--stage", metavar="NAME", help="Only results of this stage.")
@click.pass_obj
def from_group(profile_name: str | None, group: str, known: str, stage: str | None) -> None:
    """Add the mlhull.labels nodes of a GROUP to a snapshot.

    All of them have to be of one stage: energies of a cheap one are not those of the last.
    """
    profile.load(profile_name)
    from aiida_mlhull.launching.materials import references as snapshots

    node, failed = snapshots.from_group(group, known, stage=stage)
    click.echo(snapshots.describe(node, failed=failed))
