"""A table of element substitutions as JSON."""

from __future__ import annotations

import json
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import TableError, WireError
from aiida_mlhull.science.types import Substitutions
from aiida_mlhull.science.wire.foreign import BROKEN

VERSION: Final = 1


def encode_substitutions(table: Substitutions) -> bytes:
    """JSON bytes, a line per row; equal tables give equal bytes."""
    head = {
        "version": VERSION,
        "elements": list(table.elements),
        "smoothing": table.smoothing,
        "n_crystals": table.n_crystals,
        "n_kinds": table.n_kinds,
        "source": table.source,
    }
    rows = ",\n  ".join(json.dumps(row) for row in table.counts.tolist())
    return f'{json.dumps(head)[:-1]},\n "counts": [\n  {rows}\n ]}}'.encode()


def decode_substitutions(content: bytes, *, name: str = "substitutions") -> Substitutions:
    """The table behind JSON bytes.

    Raises:
        WireError: if they are no JSON, something else, or of another version; called ``name``.
        TableError: if the parts don't fit together.
    """
    try:
        facts = json.loads(content)
        version = facts["version"]
        table = Substitutions(
            elements=tuple(facts["elements"]),
            counts=np.asarray(facts["counts"], dtype=np.int64).reshape(-1, len(facts["elements"])),
            smoothing=float(facts["smoothing"]),
            n_crystals=int(facts["n_crystals"]),
            n_kinds=int(facts["n_kinds"]),
            source=str(facts["source"]),
        )
    except TableError:
        raise
    except BROKEN as error:
        raise WireError(f"{name} is not a table of substitutions ({error!r}); is it truncated?") from error
    if version != VERSION:
        raise WireError(f"{name} has format version {version}, this package reads {VERSION}")
    return table
