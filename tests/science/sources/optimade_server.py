"""A real OPTIMADE server on this machine: the reference implementation, its database in memory."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

PROVIDER = {"prefix": "mlt", "name": "Test", "description": "Crystals of the tests", "homepage": None}
PROVIDER_FIELDS = [
    {"name": "energy_above_hull", "type": "float", "unit": "eV/atom", "description": "distance from the hull"},
    {"name": "formation_energy_per_atom", "type": "float", "unit": "eV/atom", "description": "from the elements"},
    {"name": "stability_by", "type": "dictionary", "description": "who computed it"},
    {"name": "color", "type": "string", "description": "nothing to do with energies"},
]
STARTING = 60.0


def entry(name: str, sites: list[str], lattice: Any, positions: Any, **changes: Any) -> dict[str, Any]:
    """A structure as a line of a server's JSONL file; ``changes`` replace attributes."""
    elements = sorted(set(sites))
    ratios = [sites.count(element) / len(sites) for element in elements]
    attributes = {
        "last_modified": "2024-01-01T00:00:00Z",
        "elements": elements,
        "nelements": len(elements),
        "elements_ratios": ratios,
        "chemical_formula_descriptive": "".join(elements),
        "chemical_formula_reduced": "".join(elements),
        "chemical_formula_anonymous": "A",
        "dimension_types": [1, 1, 1],
        "nperiodic_dimensions": 3,
        "lattice_vectors": lattice,
        "cartesian_site_positions": positions,
        "nsites": len(sites),
        "species": [{"name": e, "chemical_symbols": [e], "concentration": [1.0]} for e in elements],
        "species_at_sites": sites,
        "structure_features": [],
    }
    # The server's database knows the provider's own columns without their prefix.
    own = {key.removeprefix(f"_{PROVIDER['prefix']}_"): value for key, value in changes.items()}
    return {"id": name, "type": "structures", "attributes": attributes | own}


@contextmanager
def serving(entries: list[dict[str, Any]], folder: Path) -> Iterator[str]:
    """The base URL of a server that holds these entries."""
    lines = [{"x-optimade": {"api_version": "1.2"}}, *entries]
    (folder / "structures.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    config = {
        "database_backend": "mongomock",
        "insert_test_data": False,
        "insert_from_jsonl": str(folder / "structures.jsonl"),
        "provider": PROVIDER,
        "provider_fields": {"structures": PROVIDER_FIELDS},
        "log_dir": str(folder),
    }
    (folder / "optimade.json").write_text(json.dumps(config))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "optimade.server.main:app", "--port", str(port)]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            command,
            env={**os.environ, "OPTIMADE_CONFIG_FILE": str(folder / "optimade.json")},
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
        try:
            _wait(f"http://127.0.0.1:{port}/v1/info", server, folder / "server.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < STARTING:
        if server.poll() is not None:
            break
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, ConnectionError):
            time.sleep(0.2)
    raise RuntimeError(f"the server doesn't answer:\n{log.read_text()[-2000:]}")
