"""A stranger's road: from nothing to a report, by the commands that README shows, each printed before it runs.

    python -m benchmarks.strangers_road FOLDER [--crystals 300] [--system Ti-Zn-N] [--environment]

FOLDER is made; an AiiDA profile of its own is put into it, with SQLite and AiiDA's own broker. So many CIF files are
written from known prototypes, as people have them; a campaign file is written with 'launch --init' and used as
it is. At the end comes 'explore' with the same system. With ``--environment`` all of it happens in a new virtual
environment into which the package is installed first, which needs an index of packages; else in the present one.
The last line is one JSON object: commands, seconds of each, files written.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


class Road:
    """A folder, and the commands that were run in it.

    Attributes:
        folder: where they run.
        programs: where their programs are.
        seconds: command to wall time.
    """

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self.programs = programs
        self.seconds: dict[str, float] = {}

    def go(self, command: str) -> str:
        """Print a command, run it, print and return what it says.

        Raises:
            SystemExit: if it fails.
        """
        print(f"\n$ {command}", flush=True)
        start = time.perf_counter()
        environment = {
            **os.environ,
            "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
            "AIIDA_PATH": str(self.folder / ".aiida"),
        }
        ran = subprocess.run(  # noqa: S603  (the commands of this file)
            shlex.split(command), cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        print(ran.stdout, flush=True)
        if ran.returncode:
            raise SystemExit(f"{command}\nended with {ran.returncode}:\n{ran.stderr}")
        self.seconds[command] = round(time.perf_counter() - start, 2)
        return ran.stdout


def write_crystals(road: Road, system: str, count: int) -> int:
    """CIF files of crystals on known prototypes, in the folder ``cifs``."""
    elements = system.replace("-", " ")
    road.go(f"aiida-mlhull prototypes {elements} --limit {count} --output crystals.parquet")
    from aiida_mlhull.science.reading.candidates import read_candidates  # noqa: PLC0415  (the environment may be new)
    from aiida_mlhull.science.tables.export import cif_files  # noqa: PLC0415

    (road.folder / "cifs").mkdir()
    files = list(cif_files(read_candidates(road.folder / "crystals.parquet").candidates))
    for name, content in files:
        (road.folder / "cifs" / name).write_bytes(content)
    return len(files)


def walk(road: Road, *, system: str, crystals: int) -> dict[str, object]:
    """The whole road in an environment that is there."""
    (road.folder / ".aiida").mkdir(parents=True)
    written = write_crystals(road, system, crystals)
    road.go("verdi --verbosity warning presto --use-zeromq -n")
    road.go("aiida-mlhull setup")
    road.go("aiida-mlhull launch campaign.yaml --init")
    road.go("aiida-mlhull launch campaign.yaml --dry-run")
    road.go("aiida-mlhull launch campaign.yaml --foreground")
    road.go("aiida-mlhull report")
    road.go("aiida-mlhull report --output report")
    if "--html" in road.go("aiida-mlhull report --help"):
        road.go("aiida-mlhull report --html report.html")
    road.go(f"aiida-mlhull phases campaign {system} --output phases.csv")
    road.go(f"aiida-mlhull explore {system} --limit {crystals} --references mp-elements --yes")
    pages = sorted(
        str(page.relative_to(road.folder)) for page in road.folder.rglob("*.html") if ".aiida" not in page.parts
    )
    return {"crystals": written, "seconds": road.seconds, "pages": pages}


def main() -> None:
    """Walk and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--crystals", type=int, default=300)
    parser.add_argument("--system", default="Ti-Zn-N")
    parser.add_argument("--environment", action="store_true", help="in a new virtual environment")
    options = parser.parse_args()
    folder = options.folder.resolve()
    folder.mkdir(parents=True)
    programs = Path(sys.executable).parent
    if options.environment:
        start = Road(folder, programs)
        start.go(f"{sys.executable} -m venv environment")
        programs = folder / "environment" / "bin"
        start.go(f"{programs / 'python'} -m pip install -q -c {ROOT / 'constraints.txt'} {ROOT}[potential]")
    print(json.dumps(walk(Road(folder, programs), system=options.system, crystals=options.crystals)))


if __name__ == "__main__":
    main()
