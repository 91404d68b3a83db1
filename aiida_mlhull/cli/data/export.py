"""Exports of nodes: to a file, into a folder, or to the screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

BINARY: Final = frozenset({"parquet", "safetensors"})


def export_node(node: Any, *, output: str | None, fileformat: str, force: bool, chosen: dict[str, Any]) -> None:
    """Export ``node`` and say what was written.

    Args:
        node: one of this package's nodes.
        output: a file; a folder (one that exists, or a name that ends with a slash); None for the screen.
        fileformat: one of the node's formats.
        force: whether files that exist are overwritten.
        chosen: which rows, as the node's exporters understand it.

    Raises:
        ClickException: if a file exists and may not be overwritten, or can't be written.
    """
    if output is None:
        _to_screen(node, fileformat, chosen)
        return
    try:
        if Path(output).is_dir() or output.endswith("/"):
            written = node.write_files(Path(output), fileformat=fileformat, overwrite=force, **chosen)
        else:
            written = node.export(output, fileformat=fileformat, overwrite=force, **chosen)
    except OSError as error:
        in_the_way = error.errno is None  # said by AiiDA or below; the system's own errors have a number
        raise click.ClickException(f"{error}{' (--force overwrites files)' if in_the_way else ''}") from error
    click.echo(f"wrote {written[0]}" if len(written) == 1 else f"wrote {len(written)} files beside {written[-1]}")


def _to_screen(node: Any, fileformat: str, chosen: dict[str, Any]) -> None:
    content, extra = node._exportcontent(fileformat, **chosen)  # noqa: SLF001  (AiiDA's own commands do the same)
    if extra:
        raise click.ClickException(
            f"{fileformat} makes {1 + len(extra)} files: say where they go with --output FOLDER/"
        )
    stream = click.get_binary_stream("stdout")
    if fileformat in BINARY and stream.isatty():
        raise click.ClickException(f"{fileformat} is nothing for a screen: say where it goes with --output FILE")
    stream.write(content)
    stream.flush()
