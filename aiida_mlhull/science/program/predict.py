"""``mlhull-job predict``: ask all members of an ensemble about a shard."""

from __future__ import annotations

from typing import Any

from aiida_mlhull.science.ensembles import predict
from aiida_mlhull.science.ensembles.rows import model_rows
from aiida_mlhull.science.program.facts import device_used
from aiida_mlhull.science.program.progress import say
from aiida_mlhull.science.program.settings import PREDICTIONS_FILE, PredictJob
from aiida_mlhull.science.program.tables import read_cells, read_ensemble, read_pool, read_references, read_unrelaxed
from aiida_mlhull.science.wire import JobFolder


def run(folder: JobFolder, job: PredictJob) -> tuple[dict[str, int], dict[str, Any]]:
    """Predict the rows that are asked for.

    Returns:
        Row counts by file, and facts for the completion marker.
    """
    ensemble = read_ensemble(folder)
    cells = read_cells(folder, job.cells)
    ids = None if job.rows == "all" else read_pool(folder, rows=job.rows)
    references = read_references(folder, job)
    before = read_unrelaxed(folder, job.unrelaxed)
    rows = model_rows(cells, references, baseline=job.baseline, ids=ids, candidates=before)
    say(f"{len(ensemble.members)} members of {ensemble.model} predict {len(rows)} rows")
    predictions = predict(ensemble, rows, device=job.device, report=say)
    folder.write_table(PREDICTIONS_FILE, predictions)
    return {PREDICTIONS_FILE: len(predictions)}, {"device": device_used(), "n_members": len(ensemble.members)}
