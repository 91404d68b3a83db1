"""What the calculation of a single candidate would be given, for people to read before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


def sections(parts: Mapping[str, str]) -> str:
    """Files and settings under their names."""
    return "\n\n".join(f"{name}\n{_indented(content)}" for name, content in parts.items())


def plainly(values: Mapping[str, Any]) -> str:
    """Keys and values as YAML."""
    return yaml.safe_dump(dict(values), sort_keys=False, default_flow_style=False).rstrip()


def _indented(content: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in content.splitlines())
