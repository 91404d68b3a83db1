"""Nodes of a study's runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiida_mlhull import names

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.data import EnsembleData, LabelsData, PredictionsData
    from aiida_mlhull.science.studies import StudyRun
    from aiida_mlhull.science.types import Predictions


@dataclass(frozen=True, eq=False)
class RunNodes:
    """What is stored of a run; newest first counts, and only what ended well.

    Attributes:
        ensemble: that was fitted, or the published one.
        fit: the process that fitted it; None for published weights.
        asked: the process that asked it about the rows set aside.
        truth: of these rows.
        label: of the nodes, with the digest of the data.
    """

    ensemble: EnsembleData | None = None
    fit: orm.ProcessNode | None = None
    asked: orm.ProcessNode | None = None
    truth: LabelsData | None = None
    label: str = ""

    @property
    def is_finished(self) -> bool:
        """Whether all of it is there."""
        return None not in {self.ensemble, self.asked, self.truth}

    def predictions(self) -> Predictions:
        """All shards together."""
        from aiida_mlhull.science.types import concatenate

        assert self.asked is not None
        shards: dict[str, PredictionsData] = dict(self.asked.outputs[names.PREDICTIONS])
        return concatenate([node.to_science() for _, node in sorted(shards.items())])

    def rows_learned(self) -> int | None:
        """Rows that the fit was given; None for published weights."""
        if self.fit is None:
            return None
        shards = self.fit.inputs["cells"]
        return sum(int(shards[key].base.attributes.get("n_rows")) for key in shards)

    def versions(self) -> dict[str, str]:
        """Of AiiDA, which ran it."""
        version = {} if self.asked is None else self.asked.base.attributes.get("version", {})
        return {"aiida-core": str(version["core"])} if "core" in version else {}

    def pks(self) -> dict[str, int]:
        """Numbers of the nodes."""
        nodes = {"fit": self.fit, "ensemble": self.ensemble, "predict": self.asked, "truth": self.truth}
        return {name: node.pk for name, node in nodes.items() if node is not None and node.pk is not None}


def group_of(study: str) -> str:
    """Label of the group that holds what a study has run."""
    return f"{names.STUDIES}/{study}"


def find_run(run: StudyRun, data: str | None = None) -> RunNodes:
    """What is stored of a run.

    Args:
        run: which one.
        data: digest of the table and of those of its parents; any, the newest first, if None.
    """
    from aiida_mlhull.data import EnsembleData, LabelsData

    label = f"{run.label}-{data}" if data is not None else _newest_label(run)
    if label is None:
        return RunNodes()
    fits = _processes(label, names.FIT_ENSEMBLE)
    asked = _processes(label, names.PREDICT_SHARDS)
    fit = fits[0] if fits else None
    published = _data(run, label, EnsembleData)
    ensemble = fit.outputs.ensemble if fit is not None else published
    return RunNodes(ensemble, fit, asked[0] if asked else None, _data(run, label, LabelsData), label)


def killed_jobs(label: str) -> dict[str, orm.RemoteData]:
    """Folders of fits whose caller was interrupted before they were done, by their key; the newest of each.

    A job may have outlived its caller: its folder then holds whole members.

    Args:
        label: of the callers.
    """
    from aiida import orm

    query = orm.QueryBuilder()
    ended = {"attributes.process_state": {"in": ["killed", "excepted"]}}
    here = {"label": label, **names.any_of(names.FIT_ENSEMBLE), **ended}
    query.append(orm.WorkChainNode, filters=here, tag="pool")
    lost = names.any_of(names.FIT) | {"attributes.process_state": {"!in": ["finished"]}}
    query.append(orm.CalcJobNode, with_incoming="pool", filters=lost, tag="job", project=["label"])
    query.append(orm.RemoteData, with_incoming="job", edge_filters={"label": "remote_folder"}, project="*")
    query.order_by({"job": {"ctime": "asc"}})
    return {str(name).removeprefix("fit "): folder for name, folder in query.all()}


def _newest_label(run: StudyRun) -> str | None:
    """Of what has been asked, or else begun, of a run on whatever data."""
    from aiida import orm

    for kind in (names.PREDICT_SHARDS, names.FIT_ENSEMBLE):
        query = orm.QueryBuilder().append(orm.Group, filters={"label": group_of(run.study)}, tag="group")
        here = {"label": {"like": f"{run.label}-%"}, **names.any_of(kind), "attributes.exit_status": 0}
        query.append(orm.WorkChainNode, with_group="group", filters=here, tag="node", project="label")
        query.order_by({"node": {"ctime": "desc"}})
        found = query.first(flat=True)
        if found is not None:
            return str(found)
    return None


def _processes(label: str, kind: names.ProcessName) -> list[orm.ProcessNode]:
    """Those that ended well, the newest first."""
    from aiida import orm

    query = orm.QueryBuilder()
    here = {"label": label, **names.any_of(kind), "attributes.exit_status": 0}
    query.append(orm.WorkChainNode, filters=here, tag="node")
    query.order_by({"node": {"ctime": "desc"}})
    nodes: list[orm.ProcessNode] = query.all(flat=True)
    return nodes


def _data(run: StudyRun, label: str, kind: Any) -> Any:
    """The newest node of a class in the study's group."""
    from aiida import orm

    query = orm.QueryBuilder().append(orm.Group, filters={"label": group_of(run.study)}, tag="group")
    query.append(kind, with_group="group", filters={"label": label}, tag="node")
    query.order_by({"node": {"ctime": "desc"}})
    return query.first(flat=True)
