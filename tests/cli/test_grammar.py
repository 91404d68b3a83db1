"""One grammar for all commands: what -o, --json and PK mean is the same everywhere."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from aiida_mlhull.cli import main
from aiida_mlhull.launching.questions.completing import complete


def commands(here: click.Command = main, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    if isinstance(here, click.Group):
        for name, inner in here.commands.items():
            yield from commands(inner, (*path, name))
    else:
        yield " ".join(path), here


COMMANDS = dict(commands())
OPTIONS = [
    (name, option)
    for name, command in COMMANDS.items()
    for option in command.params
    if isinstance(option, click.Option)
]


def test_there_are_commands_to_look_at():
    assert len(COMMANDS) > 40
    assert {"report", "references import file", "protocols show"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_options_mean_the_same_everywhere(name):
    for option in (one for where, one in OPTIONS if where == name):
        spelled = set(option.opts)
        assert option.help, f"{name} {option.opts[0]} says nothing of itself"
        if "--json" in spelled:
            assert option.is_flag, f"{name} --json prints; files have -o or an option named by what they are"
        assert ("-o" in spelled) == ("--output" in spelled), f"{name}: -o and --output are one option"
        if "-o" in spelled:
            assert not option.is_flag, f"{name} -o takes a place"
            assert isinstance(option.type, click.Path), f"{name} -o is checked before work begins"
        assert not spelled & {"--out", "--csv", "--outfile", "--format"}, f"{name}: files are written by -o"
        if "--dry-run" in spelled or "--foreground" in spelled:
            assert option.is_flag


@pytest.mark.parametrize("name", COMMANDS)
def test_campaigns_are_named_and_completed_in_one_way(name):
    for param in COMMANDS[name].params:
        metavar = (param.metavar or "").strip("[]")
        if param.name == "campaign" and not isinstance(param.type, click.Path):
            assert metavar == "PK", f"{name}: a campaign is called PK"
            assert param._custom_shell_complete is complete
        if isinstance(param, click.Option) and "--campaign" in param.opts:
            assert param.name == "campaign", f"{name} --campaign is a campaign in the profile"
            assert param.type.name == "text", f"{name} --campaign takes a pk, a UUID or a label"
