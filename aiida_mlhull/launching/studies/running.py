"""Run what is missing of a study: an ensemble is fitted, and asked about the rows set aside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiida_mlhull import names
from aiida_mlhull.graph.studied.found import RunNodes, find_run, group_of, killed_jobs
from aiida_mlhull.launching.running import Progress, silent
from aiida_mlhull.launching.studies import making
from aiida_mlhull.science.errors import CampaignFailedError, MlhullError, StoppedError
from aiida_mlhull.science.studies.tables import digest_of, find_file, missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiida_mlhull.data import EnsembleData
    from aiida_mlhull.science.studies import StudyRun
    from aiida_mlhull.science.studies.tables import Halves, StudyRows

_DIGITS = 8

Say = Callable[[str], object]
"""Is called with lines for people."""


@dataclass(frozen=True)
class Ready:
    """A run, and how it stands.

    Attributes:
        run: which one.
        why_not: why it can't be run; empty if it can.
        data: digest of its table and of its parents'; empty where they aren't there.
        nodes: what is stored of it.
        data_of_parent: the same of its parent; empty without one.
    """

    run: StudyRun
    why_not: str
    data: str
    nodes: RunNodes
    data_of_parent: str = ""

    @property
    def state(self) -> str:
        """``finished``, ``to run``, ``fitted, to be asked``, or why it can't be."""
        if self.nodes.is_finished:
            return "finished"
        if self.why_not:
            return self.why_not
        return "to run" if self.nodes.ensemble is None else "fitted, to be asked"


def look(runs: Sequence[StudyRun], folder: Path | None) -> list[Ready]:
    """How every run stands; nothing is stored.

    Args:
        runs: parents before those that begin with them.
        folder: of public data.
    """
    digests: dict[str, str] = {}

    def standing(run: StudyRun) -> Ready:
        why = _missing_files(run, folder)
        if why:
            return Ready(run, why, "", find_run(run))
        digests[run.name] = _digest(run, folder, digests)
        of_parent = "" if run.parent is None else digests[run.parent.name]
        return Ready(run, "", digests[run.name], find_run(run, digests[run.name]), of_parent)

    return [standing(run) for run in runs]


def _missing_files(run: StudyRun, folder: Path | None) -> str:
    table = "" if run.table.stand_in is not None else run.table.file
    for place in filter(None, (table, run.row.weights)):
        if find_file(place, folder) is None:
            return missing(place)
    why = "" if run.parent is None else _missing_files(run.parent, folder)
    return f"its parent {run.parent.name}: {why}" if why and run.parent is not None else why


def _digest(run: StudyRun, folder: Path | None, known: dict[str, str]) -> str:
    """Of the table, the weights and the parent's."""
    files = [find_file(place, folder) for place in (run.table.file, run.row.weights) if place]
    parts = [digest_of(path) for path in files if path is not None]
    if _is_made(run, folder):
        assert run.table.stand_in is not None
        campaign = making.campaign_of(run.table.stand_in)
        parts.append("unmade" if campaign is None else campaign.uuid[:_DIGITS])
    return "-".join([*parts, *([known[run.parent.name]] if run.parent is not None else [])])


def _is_made(run: StudyRun, folder: Path | None) -> bool:
    """Whether the table is made: a file counts more, where there is one."""
    return run.table.stand_in is not None and find_file(run.table.file, folder) is None


def _make_missing(
    runs: Sequence[StudyRun], *, folder: Path | None, jobs: int | None, progress: Progress, say: Say
) -> dict[str, str]:
    """Make what stands in for tables that are needed and not there; why it failed, by table."""
    failed: dict[str, str] = {}
    for ready in look(runs, folder):
        table = ready.run.table
        if ready.nodes.is_finished or not _is_made(ready.run, folder) or table.name in failed:
            continue
        assert table.stand_in is not None
        if making.campaign_of(table.stand_in) is not None:
            continue
        say(f"{table.about}: made by a campaign of its own, as there is no {table.file}")
        try:
            with _cached():
                made = making.make(table.stand_in, table.measured_from, jobs=jobs, progress=progress)
        except StoppedError:
            raise
        except MlhullError as error:
            failed[table.name] = str(error)
            say(f"{table.about}: failed: {error}")
        else:
            _group(ready.run).add_nodes(made)
    return failed


def run_study(
    runs: Sequence[StudyRun],
    *,
    folder: Path | None = None,
    jobs: int | None = None,
    progress: Progress = silent,
    say: Say = print,
) -> list[Ready]:
    """Run what is missing, in this process; what is there is not touched.

    A fit that was interrupted goes on: members that were done come out of AiiDA's cache, the one under way begins
    after its last whole epoch.

    Args:
        runs: parents before those that begin with them.
        folder: of public data.
        jobs: at the same time; the fits' default if None.
        progress: is called with what processes report.
        say: is called with a line for every run.

    Returns:
        How every run stands in the end.

    Raises:
        StoppedError: if it was interrupted.
    """
    unmade = _make_missing(runs, folder=folder, jobs=jobs, progress=progress, say=say)
    failed = {run.name: f"{run.table.name}: {unmade[run.table.name]}" for run in runs if run.table.name in unmade}
    for number, ready in enumerate(look(runs, folder), start=1):
        run, head = ready.run, f"[{number}/{len(runs)}] {ready.run.name}"
        if ready.state not in {"to run", "fitted, to be asked"}:
            say(f"{head}: {ready.state}")
            continue
        if run.name in failed:
            continue
        if run.parent is not None and run.parent.name in failed:
            failed[run.name] = f"its parent {run.parent.name} failed"
            say(f"{head}: {failed[run.name]}")
            continue
        try:
            _run(ready, head=head, folder=folder, jobs=jobs, progress=progress, say=say)
        except StoppedError:
            raise StoppedError(
                f"Interrupted in {run.name}: what had finished stays in the graph. The same command goes on there."
            ) from None
        except MlhullError as error:
            failed[run.name] = str(error)
            say(f"{head}: failed: {error}")
    return [replace(one, why_not=failed.get(one.run.name, one.why_not)) for one in look(runs, folder)]


def _run(ready: Ready, *, head: str, folder: Path | None, jobs: int | None, progress: Progress, say: Say) -> None:
    run, label = ready.run, f"{ready.run.label}-{ready.data}"
    rows = _rows(ready, folder)
    ensemble = ready.nodes.ensemble
    if ensemble is None and run.row.weights:
        ensemble = _published(run, label, folder)
    elif ensemble is None:
        say(f"{head}: {run.row.about}: {len(rows.learned):,} rows to learn from, {len(rows.asked):,} to test on")
        ensemble = _fit(ready, label, rows, jobs=jobs, progress=progress)
    say(f"{head}: ensemble {ensemble.pk}: {ensemble.description}")
    _ask(run, label, ensemble, rows.asked, jobs=jobs, progress=progress)


def _rows(ready: Ready, folder: Path | None) -> Halves:
    from aiida_mlhull.science.studies.tables import halves, rows_of_stage, shared_out

    run = ready.run
    if not _is_made(run, folder):
        return halves(run, folder)
    assert run.table.stand_in is not None
    return shared_out(run, rows_of_stage(making.labels_of(run.table.stand_in), run.table), digest=ready.data)


def _group(run: StudyRun) -> Any:
    from aiida import orm

    return orm.Group.collection.get_or_create(label=group_of(run.study))[0]


@contextmanager
def _cached() -> Iterator[None]:
    """Jobs of an earlier try that ended well count, whatever the profile says of caching."""
    from aiida.manage.caching import enable_caching

    with (
        enable_caching(identifier=names.FIT.process_type),
        enable_caching(identifier=names.PREDICT.process_type),
        enable_caching(identifier=names.RELAX.process_type),
    ):
        yield


def _published(run: StudyRun, label: str, folder: Path | None) -> EnsembleData:
    from aiida_mlhull.data import EnsembleData
    from aiida_mlhull.science.ensembles.published import read_cgcnn

    path = find_file(run.row.weights, folder)
    assert path is not None
    node = EnsembleData.from_science(read_cgcnn(path), label=label).store()
    _group(run).add_nodes(node)
    return node


def _fit(ready: Ready, label: str, rows: Halves, *, jobs: int | None, progress: Progress) -> EnsembleData:
    from aiida import orm

    from aiida_mlhull.launching.codes import ready_program
    from aiida_mlhull.workflows.fit import FitEnsemble

    run = ready.run
    assert run.settings is not None
    builder = FitEnsemble.get_builder()
    builder.code = ready_program()
    builder.settings = orm.Dict(run.settings.model_dump(mode="json"))
    builder.baseline = orm.Str("none")
    builder.seed = orm.Int(run.fit_seed)
    if run.parent is not None:
        builder.parent = _parent(run.parent, ready.data_of_parent)
    builder.cells, builder.results = _shards(rows.learned)
    builder.stopped = killed_jobs(label)
    if jobs is not None:
        builder.jobs = _jobs(jobs)
    builder["metadata"]["label"] = label
    builder["metadata"]["description"] = run.row.about
    ensemble: EnsembleData = _ended(run, builder, progress=progress).outputs.ensemble
    return ensemble


def _parent(run: StudyRun, data: str) -> EnsembleData:
    """Of the data at hand, whatever else it was fitted to since."""
    found = find_run(run, data).ensemble
    if found is None:
        raise CampaignFailedError(f"the parent {run.name} has not been fitted")
    return found


def _shards(rows: StudyRows) -> tuple[dict[str, Any], dict[str, Any]]:
    from aiida_mlhull.data import CandidatesData, LabelsData
    from aiida_mlhull.launching.inputs import shard_rows

    parts = {f"shard_{number:03d}": part for number, part in enumerate(shard_rows(len(rows)))}
    return (
        {key: CandidatesData.from_science(rows.cells.take(part)) for key, part in parts.items()},
        {key: LabelsData.from_science(rows.labels.take(part)) for key, part in parts.items()},
    )


def _jobs(at_once: int) -> Any:
    from aiida import orm

    from aiida_mlhull.job_pool.settings import JobSettings

    return orm.Dict(JobSettings(max_in_flight=at_once).model_dump())


def _ask(
    run: StudyRun, label: str, ensemble: EnsembleData, rows: StudyRows, *, jobs: int | None, progress: Progress
) -> None:
    from aiida import orm

    from aiida_mlhull.data import LabelsData
    from aiida_mlhull.launching.codes import ready_program
    from aiida_mlhull.workflows.predict import PredictShards

    truth = LabelsData.from_science(rows.labels, label=label).store()
    _group(run).add_nodes(truth)
    builder = PredictShards.get_builder()
    builder.code = ready_program()
    builder.ensemble = ensemble
    builder.cells = _shards(rows)[0]
    builder.baseline = orm.Str("none")
    if jobs is not None:
        builder.jobs = _jobs(jobs)
    builder["metadata"]["label"] = label
    builder["metadata"]["description"] = f"{run.row.about}, asked about rows set aside"
    _ended(run, builder, progress=progress)


def _ended(run: StudyRun, builder: Any, *, progress: Progress) -> Any:
    """The process, which ended well and is in the study's group.

    Raises:
        CampaignFailedError: if it didn't.
        StoppedError: if it was interrupted.
    """
    from aiida_mlhull.launching.running import run_here

    with _cached():
        node = run_here(builder, progress=progress)
    _group(run).add_nodes(node)
    if not node.is_finished_ok:
        raise CampaignFailedError(f"{node.exit_message}; see 'verdi process report {node.pk}'")
    return node
