"""Write ``docs/topics/studies.md`` from the studies' files and what was kept of runs: ``python docs/generate_studies.py``.

``docs/_studies/NAME.SIZE.json`` is what ``aiida-mlhull study report NAME --size SIZE --json`` printed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from aiida_mlhull.science.studies import Study, load_study, study_names
from aiida_mlhull.science.studies.standing import study_facts
from aiida_mlhull.science.studies.written import Grid, Heading, Paragraph, blocks, grid

DOCS: Final = Path(__file__).parent
PAGE: Final = DOCS / "topics" / "studies.md"
KEPT: Final = DOCS / "_studies"
LEFT_OUT: Final = "In the graph"
"""Numbers of nodes mean nothing outside of the profile that they are from."""

INTRODUCTION: Final = """\
# The papers as studies

What this package builds on was published with figures. `aiida-mlhull study` runs what public data allow of it, and puts ours
beside theirs.

```console
$ aiida-mlhull study list
$ aiida-mlhull study show xie-2018
$ aiida-mlhull study run xie-2018 --data public-data --dry-run
```

% not run: minutes; tests/launching/studies/test_running.py runs a small one
```console
$ aiida-mlhull study run xie-2018 --data public-data
$ aiida-mlhull study report xie-2018 -o xie-2018.html
```

Every row is a fit and a prediction in the graph, in the group `mlhull/studies/NAME`. The same command again runs what is
missing and nothing else; after Ctrl-C it goes on: members that were done are taken from AiiDA's cache, the one under way goes on
after its last whole epoch. A row whose settings or data have changed is run again, and its children with it. The report
computes every number from stored predictions and stored truth, so that none can be out of date.

`--size full` is a row as it stands in the study's file, `quick` (the default) takes fewer rows, epochs and members, to show in
minutes that all of it works: its figures say little about the models. `--seed` is of splits and ensembles;
`study report --seed 0 --seed 1` gives means. `--only ROW` runs a row and its parents.

A study is a file of YAML: tables by their place below the folder of public data (`--data`, or `MLHULL_DATA`), and rows with
column, split, ensemble, parent, the source's figure and where it stands. One's own is run by its path:
`aiida-mlhull study run mine.yaml`. `study show NAME --json` prints one. Where a source's crystals are not public, a study may make
what stands in for them: a campaign of its own, which is run before the rows and kept like them.

The source's figure is *not at hand* where this project has not read it off the source. *Ours* is of the size and the seeds
said above the table, *not run* where that row has not been run yet.

This page is written from `aiida_mlhull/science/studies/published` and `docs/_studies` by `make docs`.
"""


def page() -> str:
    """The page's text."""
    return "\n".join([INTRODUCTION, index(), *(chapter(load_study(name)) for name in study_names())])


def index() -> str:
    """A line for every study."""
    lines = []
    for name in study_names():
        study, kept = load_study(name), kept_of(name)
        done = {row["row"] for facts in kept for row in facts["rows"] if row["ours"] is not None}
        counts = (str(len(study.rows)), str(len(done)), str(len(study.out_of_reach)))
        lines.append((f"[`{name}`](#{name})", study.title, *counts))
    return grid(("study", "source", "rows", "run", "out of reach"), lines) + "\n"


def kept_of(name: str) -> list[dict[str, Any]]:
    """What was kept of a study, by size, under the words that the study has today."""
    study, found = load_study(name), []
    for path in sorted(KEPT.glob(f"{name}.*.json")):
        facts = json.loads(path.read_text())
        found.append(study_facts(study, {row["row"]: row["runs"] for row in facts["rows"]}, size=facts["size"]))
    return found


def chapter(study: Study) -> str:
    """A study with all of its rows; those out of reach stand there once."""
    kept = kept_of(study.name) or [study_facts(study, {}, size="quick")]
    parts = [f"## {study.name}", f"{study.title}.", study.about.strip()]
    for place, facts in enumerate(kept):
        told = blocks(facts if place == len(kept) - 1 else {**facts, "out_of_reach": []})
        skip = False
        for block in told:
            if isinstance(block, Heading):
                skip = block.text == LEFT_OUT
            if skip:
                continue
            if isinstance(block, Heading):
                parts.append(f"### {block.text}, size {facts['size']}" if len(kept) > 1 else f"### {block.text}")
            elif isinstance(block, Paragraph):
                parts.append(block.text)
            elif isinstance(block, Grid):
                parts.append(grid(block.head, block.rows))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
