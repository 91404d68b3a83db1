"""One factory for all ``verdi data mlhull-...`` groups: list, show, export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import click

from aiida_mlhull.cli.data.export import export_node
from aiida_mlhull.cli.data.params import GroupArgument, NodeArgument
from aiida_mlhull.science.errors import MlhullError

P = ParamSpec("P")
R = TypeVar("R")
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

SHOWN_ROWS: Final = 30
SUFFIX_FORMATS: Final = {".pq": "parquet"}


@dataclass(frozen=True)
class NodeKind:
    """What is special about the commands of one kind of node.

    Attributes:
        entry_point: of the node class, ``"mlhull.labels"``.
        title: the nodes in words, for help texts.
        formats: of exports, the default one first.
        filters: options of ``list`` and the attribute that each must equal.
        has_systems: whether nodes list their chemical systems.
        has_rows: whether rows have ids and can be chosen by them.
        has_reasons: whether rows can be chosen by reason.
    """

    entry_point: str
    title: str
    formats: tuple[str, ...]
    filters: tuple[click.Option, ...] = ()
    has_systems: bool = True
    has_rows: bool = True
    has_reasons: bool = False


def refusing(function: Callable[P, R]) -> Callable[P, R]:
    """Turn this package's errors into messages without a traceback."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except MlhullError as error:
            raise click.ClickException(f"{error} [{error.code}]") from error

    return wrapped


def node_group(kind: NodeKind) -> click.Group:
    """The group of commands for one kind of node."""
    group = click.Group(name=kind.entry_point.replace(".", "-"), help=f"{kind.title}: list, show and export.")
    for command in (_list_command(kind), _show_command(kind), _export_command(kind)):
        group.add_command(command)
    return group


def _list_command(kind: NodeKind) -> click.Command:
    @click.option("-G", "--group", "groups", type=GroupArgument(), multiple=True, help="Only nodes of this group.")
    @click.option("-p", "--past-days", type=click.IntRange(min=0), help="Only nodes of the last so many days.")
    @click.option("-r", "--raw", is_flag=True, help="Only values, without header and count.")
    @refusing
    def list_nodes(*, groups: tuple[Any, ...], past_days: int | None, raw: bool, **filters: Any) -> None:
        from aiida.cmdline.utils.decorators import load_backend_if_not_loaded

        from aiida_mlhull.graph.nodes import find_nodes

        load_backend_if_not_loaded()
        system = filters.pop("system", None)
        equal = {name: value for name, value in filters.items() if value is not None}
        nodes = find_nodes(kind.entry_point, equal=equal, system=system, groups=groups, past_days=past_days)
        rows = [[str(n.pk), f"{n.created:%Y-%m-%d %H:%M}", n.label, n.headline] for n in nodes]
        _print_table(["PK", "Created", "Label", "Content"], rows, raw=raw)
        if not raw:
            click.echo(f"\n{len(nodes)} node{'' if len(nodes) == 1 else 's'}")

    system = click.Option(["--system"], metavar="A-B-C", help="Only nodes with rows of this chemical system.")
    return _command(
        "list", list_nodes, f"List {kind.title.lower()}.", [*kind.filters, *([system] if kind.has_systems else [])]
    )


def _show_command(kind: NodeKind) -> click.Command:
    @click.argument("node", type=NodeArgument(kind.entry_point))
    @click.option("-r", "--raw", is_flag=True, help="Only values, without summary and header.")
    @refusing
    def show(*, node: Any, raw: bool, **chosen: Any) -> None:
        columns = node.listing(**chosen)
        if not raw:
            click.echo(f"{node.headline(node.base.attributes.all)}\n")
        rows = [list(row) for row in zip(*columns.values(), strict=True)]
        _print_table(list(columns), rows, raw=raw)
        total = node.base.attributes.get("n_rows", len(rows))
        if not raw and len(rows) < total:
            click.echo(f"\n{len(rows)} of {total} rows; --limit and --id show others")

    limit = click.Option(
        ["-l", "--limit"],
        type=click.IntRange(min=0),
        default=SHOWN_ROWS,
        show_default=True,
        help="At most so many rows.",
    )
    return _command("show", show, "Show what is in NODE.", [*_choosers(kind), *([limit] if kind.has_rows else [])])


def _export_command(kind: NodeKind) -> click.Command:
    @click.argument("node", type=NodeArgument(kind.entry_point))
    @click.option(
        "-F",
        "--format",
        "fileformat",
        type=click.Choice(kind.formats),
        help=f"Default: by the suffix of the output, else {kind.formats[0]}.",
    )
    @click.option(
        "-o", "--output", type=click.Path(), help="A file, or a folder (with a slash at the end if it is new)."
    )
    @click.option("-f", "--force", is_flag=True, help="Overwrite files.")
    @refusing
    def export(*, node: Any, fileformat: str | None, output: str | None, force: bool, **chosen: Any) -> None:
        by_suffix = _format_of(output, kind.formats) if output else kind.formats[0]
        export_node(node, output=output, fileformat=fileformat or by_suffix, force=force, chosen=chosen)

    return _command("export", export, "Write NODE to a file, a folder or the screen.", _choosers(kind))


def _command(name: str, function: Callable[..., Any], text: str, options: list[click.Option]) -> click.Command:
    command = click.command(name, help=text)(function)
    command.params += options
    return command


def _choosers(kind: NodeKind) -> list[click.Option]:
    """Options that choose rows."""
    ids = click.Option(["--id", "ids"], multiple=True, metavar="ID", help="Only the row with this id; may be repeated.")
    reason = click.Option(["--reason"], help="Only rows with this reason code; see the page on reasons.")
    return [*([ids] if kind.has_rows else []), *([reason] if kind.has_reasons else [])]


def _format_of(output: str, formats: tuple[str, ...]) -> str:
    suffix = Path(output).suffix
    named = SUFFIX_FORMATS.get(suffix, suffix[1:])
    if not suffix:
        return formats[0]
    if named not in formats:
        raise click.UsageError(f"no format goes with the suffix {suffix}; name one with --format: {', '.join(formats)}")
    return named


def _print_table(header: list[str], rows: list[list[str]], *, raw: bool) -> None:
    from aiida.cmdline.utils.echo import echo_tabulate

    if raw:
        echo_tabulate(rows, tablefmt="plain", disable_numparse=True)
    else:
        echo_tabulate(rows, headers=header, disable_numparse=True)
