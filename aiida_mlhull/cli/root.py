"""The group of all commands: one profile option, and our own errors as one clear line."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import click

from aiida_mlhull.cli.ask import evaluate, predict
from aiida_mlhull.cli.clean import clean
from aiida_mlhull.cli.demo import demo
from aiida_mlhull.cli.diagnose import diagnose
from aiida_mlhull.cli.doctor import doctor
from aiida_mlhull.cli.explore import explore
from aiida_mlhull.cli.extend import extend
from aiida_mlhull.cli.fit import fit
from aiida_mlhull.cli.generate import generate
from aiida_mlhull.cli.history import history
from aiida_mlhull.cli.importing import importing
from aiida_mlhull.cli.launch import launch
from aiida_mlhull.cli.learning_curve import learning_curve
from aiida_mlhull.cli.map import map_command
from aiida_mlhull.cli.phases import phases
from aiida_mlhull.cli.prospect import prospect
from aiida_mlhull.cli.protocols import protocols
from aiida_mlhull.cli.prototypes import prototypes
from aiida_mlhull.cli.recipes import air, recipes, slice_command
from aiida_mlhull.cli.references import references
from aiida_mlhull.cli.rejected import rejected
from aiida_mlhull.cli.replay import replay
from aiida_mlhull.cli.report import report
from aiida_mlhull.cli.rules import rules
from aiida_mlhull.cli.setup import setup
from aiida_mlhull.cli.site_energies import site_energies
from aiida_mlhull.cli.spend import spend
from aiida_mlhull.cli.status import status
from aiida_mlhull.cli.steer import pause, resume, stop
from aiida_mlhull.cli.strain import strain
from aiida_mlhull.cli.tune import tune
from aiida_mlhull.launching.questions.completing import offer
from aiida_mlhull.science.errors import MlhullError, StoppedError
from aiida_mlhull.study_commands import study


class ClearErrors(click.Group):
    """Ends with one line where the package refused on purpose; bugs keep their traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except StoppedError as error:
            click.echo(f"\n{error}", err=True)
            raise click.Abort from None
        except MlhullError as error:
            raise click.ClickException(f"{error} [{error.code}]") from error


@click.group(cls=ClearErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-p", "--profile", "profile_name", metavar="NAME", help="AiiDA profile; the default one if left out.")
@click.version_option(message=f"aiida-mlhull {version('aiida-mlhull')}, aiida-core {version('aiida-core')}")
@click.pass_context
def main(ctx: click.Context, profile_name: str | None) -> None:
    """Find the phases on the convex hull with machine-learning ensembles and DFT together.

    Every decision is kept in the AiiDA graph: ask with history and rejected why a candidate was kept
    or dropped.
    """
    ctx.obj = profile_name


for command in (
    demo,
    explore,
    prospect,
    prototypes,
    importing,
    generate,
    clean,
    launch,
    protocols,
    replay,
    status,
    pause,
    resume,
    stop,
    extend,
    report,
    phases,
    history,
    rejected,
    rules,
    map_command,
    strain,
    recipes,
    slice_command,
    air,
    fit,
    predict,
    evaluate,
    diagnose,
    learning_curve,
    tune,
    spend,
    site_energies,
    study,
    references,
    doctor,
    setup,
):
    main.add_command(command)
    offer(command)
