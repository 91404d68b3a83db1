"""A campaign from one file, or from the same content in Python: checked whole, then stored, then started."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiida_mlhull import names
from aiida_mlhull.launching.running import Look, Progress, silent
from aiida_mlhull.science.campaign.file import CampaignFile

if TYPE_CHECKING:
    from aiida import orm
    from aiida.engine import ProcessBuilder

    from aiida_mlhull.graph.campaign import Campaign
    from aiida_mlhull.job_pool.settings import JobSettings
    from aiida_mlhull.launching.inputs import CampaignInputs
    from aiida_mlhull.science.campaign import CampaignSettings

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreparedCampaign:
    """A campaign that was checked whole and can run; nothing of it has been stored.

    Attributes:
        settings: of the campaign.
        jobs: sizes and limits of jobs.
        inputs: candidates, references and record.
        nodes: the same as nodes: ``candidates`` by shard, ``references``, ``record`` and ``parent`` if any.
        code: the program mlhull-job.
        builder: of the workflow.
    """

    settings: CampaignSettings
    jobs: JobSettings
    inputs: CampaignInputs
    nodes: Mapping[str, Any]
    code: orm.AbstractCode
    builder: ProcessBuilder

    def describe(self) -> str:
        """The dry run, for people: material, stages with their costs, nodes to be stored."""
        from aiida_mlhull.launching.plan import describe
        from aiida_mlhull.workflows.inputs import results_there

        there = results_there(self.builder, self.settings)
        return describe(self.settings, self.jobs, self.inputs, self.nodes, self.code, there=there)

    def shown(self) -> str:
        """What the calculation of one candidate would be given in every stage: INCAR, KPOINTS, input of pw.x, ..."""
        from aiida_mlhull.launching.plan import shown

        return shown(self.settings, self.inputs, self.builder["engines"])

    def require_daemon(self) -> str:
        """Check that the daemon can take the campaign.

        Returns:
            A line for people if it will be slower than it could be, else empty.

        Raises:
            NotReadyError: if the daemon doesn't run or would get stuck; the message says what to do.
        """
        from aiida_mlhull.launching.services import daemon

        return daemon.require(
            daemon.look(),
            shards=len(self.nodes["candidates"]),
            max_in_flight=self.jobs.max_in_flight,
            slots_per_job=daemon.most_slots_per_job(stage.engine for stage in self.settings.stages),
            held=daemon.held_by_campaigns(),
        )

    def submit(self) -> orm.ProcessNode:
        """Store the inputs and give the campaign to the daemon."""
        from aiida.engine import submit

        self._store()
        return submit(self.builder)

    def _store(self) -> None:
        """Store the inputs; what is read of structures and calculations in the graph is made from these."""
        from aiida_mlhull.launching.inputs import store
        from aiida_mlhull.launching.materials.gathering import gathered
        from aiida_mlhull.launching.materials.packing import packed_from_structures

        shards = packed_from_structures(self.nodes["candidates"])
        self.builder.candidates = shards
        results = gathered(self.builder, self.nodes, self.inputs.origins)
        store({**self.nodes, "candidates": shards, "results": results})

    def run(self, *, progress: Progress = silent, look: Look | None = None) -> orm.ProcessNode:
        """Store the inputs and run the campaign in this process, until it ends.

        Args:
            progress: is called with every report.
            look: is called with the campaign's node every few seconds.

        Raises:
            StoppedError: if it was interrupted.
            CampaignFailedError: if it has failed.
        """
        from aiida_mlhull.launching.running import require_success, run_here

        self._store()
        node = run_here(self.builder, progress=progress, look=look)
        require_success(node)
        return node


CampaignSource = str | Path | Mapping[str, Any] | CampaignFile
"""A campaign file by its path, its content as keys and values, or as it was read."""


def prepare(campaign: CampaignSource) -> PreparedCampaign:
    """Read what a campaign file names, check that it fits together, and build the campaign; nothing is stored.

    Args:
        campaign: as :func:`launch` takes it.

    Raises:
        MlhullError: if anything is wrong; the message says what, and what to do.
    """
    from aiida_mlhull.job_pool.options import check_options
    from aiida_mlhull.job_pool.settings import JobSettings
    from aiida_mlhull.launching import inputs, stored
    from aiida_mlhull.launching.codes import load_program
    from aiida_mlhull.launching.materials.properties import find_properties, told_before
    from aiida_mlhull.launching.profile import require_loaded
    from aiida_mlhull.science.errors import Problems
    from aiida_mlhull.science.types.strict import validated

    require_loaded()
    content = _campaign_file(campaign)
    problems = Problems()
    with problems:
        jobs = validated(JobSettings, content.jobs, what="jobs")
    with problems:
        code = load_program(content.code)
    with problems:
        inputs.check_stages_and_engines(content.settings(), content.engines, problems)
    with problems:
        parent = None if content.parent is None else stored.ensemble(content.parent)
    properties = find_properties(content.properties, problems)
    with problems:
        campaign_inputs = inputs.read_inputs(content)
    problems.refuse_any()
    check_options(jobs.scheduler_options(), code, what="jobs")
    nodes = inputs.make_nodes(campaign_inputs)
    if parent is not None:
        nodes["parent"] = parent
    campaign_inputs = _with_earlier(content, campaign_inputs, nodes)
    nodes[names.PROPERTIES] = properties
    asked = content.recipes
    if asked is not None and asked.literature is not None and asked.literature.node is not None:
        nodes["literature"] = stored.recipes(asked.literature.node)
    builder = inputs.make_builder(
        nodes,
        protocol=content.protocol,
        overrides=content.differences(),
        code=code,
        jobs=jobs.model_dump(),
        engines=content.engines,
        recipes=None if asked is None else asked.settings().model_dump(mode="json"),
    )
    remarks = told_before(content.settings(), properties, campaign_inputs.candidates)
    told = replace(campaign_inputs, remarks=(*campaign_inputs.remarks, *remarks))
    return PreparedCampaign(
        settings=content.settings(), jobs=jobs, inputs=told, nodes=nodes, code=code, builder=builder
    )


def _with_earlier(content: CampaignFile, campaign_inputs: CampaignInputs, nodes: dict[str, Any]) -> CampaignInputs:
    """Put what earlier campaigns hand on, weights and labels, beside the nodes; what was found is among the remarks."""
    from aiida_mlhull.launching.earlier.parents import find_parents
    from aiida_mlhull.launching.earlier.warm import find_warm
    from aiida_mlhull.science.representations.composition import elements_of

    settings, candidates, scheme = content.settings(), campaign_inputs.candidates, campaign_inputs.references.scheme
    remarks: tuple[str, ...] = ()
    if content.parents is not None:
        elements = elements_of(candidates.formulas.tolist())
        nodes["parents"], lines = find_parents(content.parents, settings, scheme=scheme, elements=elements)
        remarks += tuple(lines)
    if content.warm:
        nodes["warm"] = find_warm(content.warm, settings, candidates, scheme=scheme)
        remarks += tuple(nodes["warm"].remarks)
    return replace(campaign_inputs, remarks=(*campaign_inputs.remarks, *remarks))


def launch(campaign: CampaignSource, *, foreground: bool = False, progress: Progress = silent) -> Campaign:
    """Check a campaign whole, store its inputs, and start it.

    Args:
        campaign: a campaign file, or what one holds as a mapping: paths are then relative to the working directory,
            and stored nodes may stand where the file names them: ``{"candidates": node, "references": node, ...}``.
        foreground: run it in this process and return when it has ended, instead of giving it to the daemon.
        progress: is called with every report while it runs in this process; ``print`` will do.

    Returns:
        The campaign, to be asked how far it is and what it has found.

    Raises:
        MlhullError: if anything is wrong with file or inputs (nothing was stored then), if the daemon can't take the
            campaign, or if it has failed in the foreground.
    """
    from aiida_mlhull.graph.campaign import Campaign

    prepared = prepare(campaign)
    if foreground:
        return Campaign(prepared.run(progress=progress))
    remark = prepared.require_daemon()
    if remark:
        LOGGER.warning(remark)
    return Campaign(prepared.submit())


def _campaign_file(campaign: CampaignSource) -> CampaignFile:
    from aiida_mlhull.science.campaign.file import check_campaign, read_campaign_file

    if isinstance(campaign, str | Path):
        return read_campaign_file(Path(campaign))
    if isinstance(campaign, Mapping):
        return check_campaign({key: _named(value) for key, value in campaign.items()}, folder=Path.cwd())
    return campaign


def _named(value: Any) -> Any:
    """``value`` with nodes as a campaign file names them."""
    from aiida import orm

    if isinstance(value, list | tuple):
        return [_named(item) for item in value]
    if isinstance(value, Mapping):
        return {key: item.uuid if isinstance(item, orm.Data) else item for key, item in value.items()}
    return {"node": value.uuid} if isinstance(value, orm.Data) else value
