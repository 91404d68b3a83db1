"""One Wyckoff representation as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any, Final

from aiida_mlhull.science.errors import CrystalError, WireError
from aiida_mlhull.science.types import Wyckoff
from aiida_mlhull.science.wire.foreign import BROKEN

VERSION: Final = 1


def encode_wyckoff(wyckoff: Wyckoff) -> bytes:
    """JSON bytes; equal representations give equal bytes."""
    return json.dumps({"version": VERSION, **asdict(wyckoff)}, sort_keys=True, indent=1).encode()


def decode_wyckoff(content: bytes, *, name: str = "wyckoff") -> Wyckoff:
    """The representation behind JSON bytes.

    Raises:
        WireError: if they are no JSON, something else, or of another version; called ``name``.
        CrystalError: if the parts don't fit together.
    """
    try:
        facts = json.loads(content)
        version = facts["version"]
        values: dict[str, Any] = {field.name: _frozen(facts[field.name]) for field in fields(Wyckoff)}
        wyckoff = Wyckoff(**values)
    except CrystalError:
        raise
    except BROKEN as error:
        raise WireError(f"{name} is no Wyckoff representation ({error!r}); is it truncated?") from error
    if version != VERSION:
        raise WireError(f"{name} has format version {version}, this package reads {VERSION}")
    return wyckoff


def _frozen(value: Any) -> Any:
    """JSON's lists as tuples."""
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value
