"""Write the pages of ``docs/reference`` that follow from the code: ``python docs/generate_reference.py``.

Commands, campaign file, protocols, engines' settings, nodes, processes with their ports, exit codes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

import click
import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DOCS: Final = Path(__file__).parent
POINTS: Final = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["project"]["entry-points"]
WRITTEN: Final = "This page is written from the code by `make docs`.\n"
FIRST_OWN: Final = 200
"""Exit statuses below this are AiiDA's."""
PLAIN: Final = (dict, list, tuple, str, int, float, bool, type(None))


def cell(value: object) -> str:
    """Text for a table of Markdown."""
    return " ".join(str(value).split()).replace("``", "`").replace("|", "\\|")


def rows(head: str, lines: list[str]) -> str:
    """A table; nothing where there are no lines."""
    return "\n".join([f"| {head} |", "|" + "---|" * (head.count("|") + 1), *lines, ""]) if lines else ""


def settings_table(settings: type[BaseModel]) -> str:
    """Every key with its type, default and meaning."""
    from aiida_mlhull.science.types.strict import described  # noqa: PLC0415  (slow imports)

    says, lines = described(settings), []
    for key, field in settings.model_fields.items():
        value = field.get_default(call_default_factory=True)
        if isinstance(value, BaseModel):
            value = "see below"
        shown = (
            "needed"
            if value is PydanticUndefined
            else f"`{yaml.safe_dump(value).split(chr(10))[0]}`"
            if isinstance(value, PLAIN)
            else str(value)
        )
        lines.append(f"| `{key}` | {cell(shown)} | {cell(says.get(key, ''))} |")
    return rows("key | default | meaning", lines)


def commands(command: click.Command, path: str) -> Iterator[str]:
    """A section for a command, and for those below it."""
    context = click.Context(command, info_name=path)
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"## {path}\n\n```text\n{path} {usage}\n```\n"
    yield cleandoc(command.help or "").replace("\b\n", "") + "\n"
    lines = []
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option) and not parameter.hidden and "--help" not in parameter.opts:
            names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
            default = parameter.default if parameter.show_default else None
            shown = "needed" if parameter.required else "" if default is None else f"`{default}`"
            lines.append(f"| {names} | {cell(shown)} | {cell(parameter.help or '')} |")
    yield rows("option | default | meaning", lines)
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            if not command.commands[name].hidden:
                yield from commands(command.commands[name], f"{path} {name}")


def cli() -> str:
    """All commands."""
    from aiida_mlhull.cli import main  # noqa: PLC0415

    intro = (
        "# Commands\n\nPlaces of campaigns and nodes take a pk, the beginning of a UUID or a label. Completion of commands, "
        'options, campaigns, models, keep-rules and protocols: `eval "$(_AIIDA_MLHULL_COMPLETE=bash_source aiida-mlhull)"` (or `zsh_source`, `fish_source`) '
        "in your shell's start-up file.\n"
    )
    return "\n".join([intro, WRITTEN, *commands(main, "aiida-mlhull")])


def campaign_file() -> str:
    """Every key that a campaign file may hold."""
    from aiida_mlhull.job_pool.settings import JobSettings  # noqa: PLC0415
    from aiida_mlhull.launching.editor import template  # noqa: PLC0415
    from aiida_mlhull.science.campaign import file, settings  # noqa: PLC0415
    from aiida_mlhull.science.ensembles import settings as ensembles  # noqa: PLC0415

    parts = [
        ("The file", file.CampaignFile),
        ("`candidates`", file.CandidatesSource),
        ("`references`", file.ReferencesSource),
        ("`jobs`", JobSettings),
        ("`overrides`", settings.CampaignSettings),
        ("`overrides: stages`", settings.StageSettings),
        ("`overrides: stages: gate`", settings.GateSettings),
        ("`overrides: stages: merge`", settings.MergeSettings),
        ("`overrides: stop`", settings.StopSettings),
        ("`overrides: ensemble`", ensembles.EnsembleSettings),
        ("`overrides: ensemble: transfer`", ensembles.TransferSettings),
    ]
    head = "# Campaign file\n\n`aiida-mlhull launch campaign.yaml --init` writes this one, and a JSON schema for editors:\n"
    shown = [head, f"```yaml\n{template()}```\n", WRITTEN]
    return "\n".join([*shown, *(f"## {name}\n\n{settings_table(kind)}" for name, kind in parts)])


def protocols() -> str:
    """What every protocol sets."""
    from aiida_mlhull.science.campaign.settings import load_protocol, protocol_names  # noqa: PLC0415

    parts = ["# Protocols, in full\n\n[What they save](../topics/protocols.md).\n", WRITTEN]
    for name in protocol_names():
        said = load_protocol(name)
        words = " ".join(said.pop("description").split())
        parts.append(
            f"## {name}\n\n{words}\n\n```yaml\n{yaml.safe_dump(said, sort_keys=False, allow_unicode=True)}```\n"
        )
    return "\n".join(parts)


def engines() -> str:
    """What a stage may tell its engine."""
    from aiida_mlhull.engines import ENGINES  # noqa: PLC0415
    from aiida_mlhull.science.relaxation.base import RelaxationSettings  # noqa: PLC0415

    parts = ["# Engines\n\nWhat a stage's `settings` may hold, by its `engine`.\n", WRITTEN]
    parts += [
        f"## {name}\n\n{cleandoc(ENGINES[name].__doc__ or '').split(chr(10) * 2)[0]}\n\n{settings_table(ENGINES[name].Settings)}"
        for name in ENGINES
    ]
    parts.append(
        f"## relaxation\n\nUnder `relaxation` of the engine `potential`.\n\n{settings_table(RelaxationSettings)}"
    )
    return "\n".join(parts)


def loaded(target: str) -> Any:
    """What an entry point names."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def nodes() -> str:
    """The package's nodes."""
    lines = [
        f"| `{name}` | {{py:class}}`~{target.replace(':', '.')}` | {cell(cleandoc(loaded(target).__doc__).split(chr(10) * 2)[0])} |"
        for name, target in sorted(POINTS["aiida.data"].items())
    ]
    return "\n".join(["# Nodes\n", WRITTEN, rows("entry point | class | holds", lines)])


def ports(namespace: Any, prefix: str = "") -> Iterator[str]:
    """A line for every port; nested ones with their path."""
    from aiida.engine import PortNamespace  # noqa: PLC0415

    for name, port in sorted(namespace.items()):
        if name == "metadata":
            continue
        inner = isinstance(port, PortNamespace)
        kinds = port.valid_type or ()
        kinds = kinds if isinstance(kinds, tuple) else (kinds,)
        shown = ", ".join(kind.__name__ for kind in kinds if kind is not type(None)) or ("namespace" if inner else "")
        yield f"| `{prefix}{name}` | {shown} | {'yes' if port.required else ''} | {cell(port.help or '')} |"
        if inner:
            yield from ports(port, f"{prefix}{name}.")


def processes() -> str:
    """Processes with their ports and exit codes."""
    intro = (
        "# Processes\n\nEvery one has an entry point: `verdi plugin list aiida.workflows mlhull.screen` shows the same. "
        "`Screen.get_builder_from_protocol` fills a builder, see [From Python](../how-to/from-python.md). Jobs also end "
        "with the [exit codes](exit-codes.md) that all share.\n"
    )
    parts = [intro, WRITTEN]
    for group in ("aiida.workflows", "aiida.calculations"):
        for name, target in sorted(POINTS[group].items()):
            process = loaded(target)
            spec = (getattr(process, "process_class", None) or process).spec()
            words = cleandoc(process.__doc__ or "").split("\n\n")[0]
            parts.append(f"## {name}\n\n`{target}`: {words}\n")
            for what, space in (("input", spec.inputs), ("output", spec.outputs)):
                parts.append(rows(f"{what} | type | needed | meaning", list(ports(space))))
            own = sorted((code.status, label, code.message) for label, code in spec.exit_codes.items())
            lines = [
                f"| {status} | `{label}` | {cell(text)} |"
                for status, label, text in own
                if status >= FIRST_OWN and text != "{message}"
            ]
            parts.append(rows("status | exit code | message", lines))
    return "\n".join(part for part in parts if part)


def exit_codes() -> str:
    """Numbers, labels and meanings of all failures."""
    from aiida_mlhull.calculations.exit_codes import kinds_of_failure  # noqa: PLC0415

    lines = [
        f"| {kind.status} | `{kind.label()}` | `{kind.code}` | {cell(cleandoc(kind.__doc__ or ''))} |"
        for kind in kinds_of_failure()
    ]
    intro = "# Exit codes\n\nJobs end with these; the message says what happened to which rows. [Errors](errors.md) has the bands.\n"
    return "\n".join([intro, WRITTEN, rows("status | label | code word | meaning", lines)])


def sources() -> str:
    """Where defaults differ from the sources' training, model by model."""
    from aiida_mlhull.science.models import MODELS  # noqa: PLC0415

    intro = (
        "# Deviations from the sources\n\nA preset has the numbers of a source: `thesis` (Goodall 2021), `paper` (Xie and "
        "Grossman 2018; Schmidt and others 2021 for `cgat`), `checkpoint` (what stands in the file of CGCNN's published "
        "formation energies). Defaults differ where a table below has a row; every other setting of the preset is the "
        "default's. With `keep: last` belongs `validation_fraction: 0`: all rows are learned from, and the weights are those "
        "of the last epoch.\n"
    )
    parts = [intro, WRITTEN]
    for name in sorted(MODELS):
        settings = MODELS[name].Settings
        for preset, told in getattr(settings, "PRESETS", {}).items():
            default = settings()
            lines = [
                f"| `{key}` | `{getattr(default, key)}` | `{value}` |"
                for key, value in told.items()
                if getattr(default, key) != value
            ]
            parts.append(f"## {name}, {preset}\n")
            parts.append(rows("setting | default | source", lines) if lines else "The default is the source's.\n")
    return "\n".join(parts)


PAGES: Final[dict[str, Callable[[], str]]] = {
    "cli": cli,
    "campaign-file": campaign_file,
    "protocols": protocols,
    "engines": engines,
    "nodes": nodes,
    "processes": processes,
    "exit-codes": exit_codes,
    "sources": sources,
}


def page(name: str) -> str:
    """The text of ``docs/reference/NAME.md``, blank lines single."""
    lines = PAGES[name]().rstrip().split("\n")
    kept = [line.rstrip() for at, line in enumerate(lines) if line.strip() or not at or lines[at - 1].strip()]
    return "\n".join(kept) + "\n"


if __name__ == "__main__":
    for page_name in PAGES:
        (DOCS / "reference" / f"{page_name}.md").write_text(page(page_name), encoding="utf-8")
