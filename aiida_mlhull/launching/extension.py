"""Going on from an earlier campaign, whatever became of it: finished, stopped, failed or killed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull import names
from aiida_mlhull.science.campaign.extension import Extension
from aiida_mlhull.science.errors import InputError, NotReadyError

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.graph.campaign import Campaign
    from aiida_mlhull.launching.inputs import CampaignInputs
    from aiida_mlhull.launching.launch import PreparedCampaign
    from aiida_mlhull.science.campaign import CampaignSettings

GIVEN: Final = "results_given"
"""Of rows that several tables have the one whose name sorts last counts: behind ``part_00000`` of the earlier campaign."""

ExtensionSource = str | Path | Mapping[str, Any] | Extension
"""What is different: a YAML file, its content, or as it was checked."""


def prepare_extension(earlier: Campaign | int | str, changes: ExtensionSource | None = None) -> PreparedCampaign:
    """A campaign that takes over every result, draw and decision of an earlier one; nothing is stored yet.

    Args:
        earlier: the campaign, its pk, UUID or label.
        changes: what is different, see :class:`~aiida_mlhull.science.campaign.extension.Extension`; None goes on as
            it was, which is what a killed campaign needs.

    Raises:
        NotReadyError: if the earlier campaign still runs.
        InputError: if its results can't be taken over, or anything does not fit together.
    """
    from aiida_mlhull.graph.campaign import Campaign
    from aiida_mlhull.job_pool.options import check_options
    from aiida_mlhull.job_pool.settings import JobSettings
    from aiida_mlhull.launching.launch import PreparedCampaign
    from aiida_mlhull.launching.materials.properties import told_before
    from aiida_mlhull.science.types.strict import validated

    before = earlier if isinstance(earlier, Campaign) else Campaign(earlier)
    if not before.node.is_terminated:
        raise NotReadyError(
            f"campaign {before.pk} ({before.label}) still runs: end it with 'aiida-mlhull stop {before.pk}', which "
            f"keeps what is there, and extend it then"
        )
    wanted = _changes(changes)
    given = before.node.inputs
    settings = wanted.settings(given[names.SETTINGS].get_dict())
    jobs = validated(JobSettings, {**given["jobs"].get_dict(), **wanted.jobs}, what="jobs")
    check_options(jobs.scheduler_options(), given["code"], what="jobs")
    inputs = _inputs(before.node, wanted)
    heritage = _heritage(before, settings, wanted, same_references=wanted.references is None)
    inputs = _with_results(inputs, settings, wanted, heritage["results"])
    nodes = _nodes(before.node, inputs)
    nodes[names.PROPERTIES] = _properties(before.node, wanted)
    told = told_before(settings, nodes[names.PROPERTIES], inputs.candidates)
    inputs = replace(inputs, remarks=(*inputs.remarks, *told))
    for stage, table in nodes.get("results", {}).items():
        heritage["results"][stage] = {**heritage["results"].get(stage, {}), GIVEN: table}
    builder = _builder(before.node, nodes, settings, jobs.model_dump(), heritage)
    return PreparedCampaign(
        settings=settings, jobs=jobs, inputs=inputs, nodes=nodes, code=given["code"], builder=builder
    )


def extend(
    earlier: Campaign | int | str, changes: ExtensionSource | None = None, *, foreground: bool = False
) -> Campaign:
    """Start a campaign that goes on from an earlier one.

    Args:
        earlier: the campaign, its pk, UUID or label.
        changes: what is different; see :func:`prepare_extension`.
        foreground: run it in this process and return when it has ended.

    Raises:
        MlhullError: if anything is wrong (nothing was stored then), if the daemon can't take it, or if it has failed
            in the foreground.
    """
    from aiida_mlhull.graph.campaign import Campaign

    prepared = prepare_extension(earlier, changes)
    if foreground:
        return Campaign(prepared.run())
    prepared.require_daemon()
    return Campaign(prepared.submit())


def _changes(changes: ExtensionSource | None) -> Extension:
    from aiida_mlhull.science.campaign.extension import check_extension, read_extension

    if isinstance(changes, Extension):
        return changes
    if isinstance(changes, str | Path):
        return read_extension(Path(changes))
    return check_extension(changes or {}, folder=Path.cwd())


def _inputs(before: orm.ProcessNode, wanted: Extension) -> CampaignInputs:
    """The earlier candidates, new ones beside them, and what they compete with."""
    from aiida_mlhull.launching.inputs import CampaignInputs, read_candidates_at, read_references_at
    from aiida_mlhull.science.reading.known_rows import only_new
    from aiida_mlhull.science.types import concatenate

    shards = [node for _, node in sorted(before.inputs[names.CANDIDATES].items())]
    snapshot, remarks = before.inputs[names.REFERENCES], []
    references = snapshot.to_science()
    if wanted.references is not None:
        references, snapshot, remark = read_references_at(wanted.references)
        remarks.append(remark)
    named, read, others = read_candidates_at(wanted.candidates, bad_rows=wanted.bad_rows, scheme=references.scheme)
    own = {node.uuid for node in shards}
    stored = [node for node in named if node.uuid not in own]
    others += [f"node {node.pk}: the campaign has it already" for node in named if node.uuid in own]
    earlier = concatenate([node.to_science() for node in shards])
    sifted = [only_new(intake, earlier) for intake in read]
    intakes = [rest for rest, _ in sifted]
    remarks += [*(intake.summary() for intake in read), *(said for _, said in sifted if said), *others]
    tables = [earlier, *(node.to_science() for node in stored)]
    records = [intake.record for intake in intakes if intake.record is not None]
    return CampaignInputs(
        candidates=concatenate([*tables, *(intake.candidates for intake in intakes)]),
        references=references,
        record=concatenate(records) if records and len(records) == len(intakes) else None,
        remarks=(*(f"goes on from campaign {before.pk} ({before.label})",), *remarks),
        shards=(*shards, *stored),
        snapshot=snapshot,
    )


def _with_results(
    inputs: CampaignInputs, settings: CampaignSettings, wanted: Extension, own: Mapping[str, Mapping[str, Any]]
) -> CampaignInputs:
    """Results that were made elsewhere, without those that the earlier campaign has itself."""
    from aiida_mlhull.launching.materials.existing import existing_results

    if not wanted.results:
        return inputs
    found, remarks, origins = existing_results(wanted.results, inputs.candidates, inputs.references, settings)
    new = {}
    for stage, table in found.items():
        tables = [node.to_science() for _, node in sorted(own.get(stage, {}).items())]
        have = {name for labels in tables for name in labels.ids[labels.succeeded].tolist()}
        new[stage] = table.without([name for name in table.ids.tolist() if name in have])
        if len(new[stage]) < len(table):
            remarks.append(
                f"stage {stage}: {len(table) - len(new[stage]):,} of these the campaign has itself; its own count"
            )
    results = {stage: table for stage, table in new.items() if len(table)}
    return replace(inputs, results=results, origins=origins, remarks=(*inputs.remarks, *remarks))


def _nodes(before: orm.ProcessNode, inputs: CampaignInputs) -> dict[str, Any]:
    """The earlier shards under their own names, new ones behind them."""
    from aiida_mlhull.data import LabelsData
    from aiida_mlhull.launching.inputs import make_nodes
    from aiida_mlhull.science.types import concatenate

    nodes = make_nodes(inputs)
    old = {node.uuid: key for key, node in before.inputs[names.CANDIDATES].items()}
    candidates, number = {}, 0
    for node in nodes["candidates"].values():
        key = old.get(node.uuid)
        while key is None:
            name, number = f"shard_{number:03d}", number + 1
            key = None if name in old.values() else name
        candidates[key] = node
    nodes["candidates"] = candidates
    engines = before.inputs["engines"]
    if "recorded" in engines and names.RECORD in engines["recorded"]:
        record = engines["recorded"][names.RECORD]
        if inputs.record is not None:
            both = concatenate([record.to_science().without(inputs.record.ids), inputs.record])
            record = LabelsData.from_science(both)
        nodes["record"] = record
    return nodes


def _properties(before: orm.ProcessNode, wanted: Extension) -> dict[str, Any]:
    """Ensembles of properties: the earlier ones, others laid over them."""
    from aiida_mlhull.launching.materials.properties import find_properties
    from aiida_mlhull.science.errors import Problems

    problems = Problems()
    found = find_properties(wanted.properties, problems)
    problems.refuse_any()
    own = _plain(before.inputs[names.PROPERTIES]) if names.PROPERTIES in before.inputs else {}
    return {**own, **found}


def _heritage(
    before: Campaign, settings: CampaignSettings, wanted: Extension, *, same_references: bool
) -> dict[str, Any]:
    """What the earlier campaign leaves, as far as the changes let it count."""
    from aiida import orm

    from aiida_mlhull.graph.heritage import heritage
    from aiida_mlhull.science.campaign.extension import gates_kept, requirements_kept, stages_kept

    left = heritage(before.node)
    stages, gates = stages_kept(before.settings, settings), gates_kept(before.settings, settings)
    open_to_same = requirements_kept(before.settings, settings)
    same_rows = same_references and not wanted.candidates and not wanted.results
    return {
        names.EARLIER_CAMPAIGN: orm.Str(before.node.uuid),
        "retry": orm.List(list(wanted.retry)),
        "results": {stage: tables for stage, tables in left["results"].items() if stage in stages},
        "steps": left["steps"],
        "draws": {stage: draws for stage, draws in left["draws"].items() if stage in open_to_same},
        "rounds": {stage: tables for stage, tables in left["rounds"].items() if stage in open_to_same},
        "stocks": {stage: stock for stage, stock in left["stocks"].items() if same_rows and stage in gates},
    }


def _plain(inputs: Any) -> Any:
    """Nodes, or namespaces of them as dictionaries: a node's inputs come as a class of AiiDA's that builders refuse."""
    return {name: _plain(one) for name, one in inputs.items()} if isinstance(inputs, Mapping) else inputs


def _has_gate(settings: CampaignSettings, name: str) -> bool:
    return any(stage.name == name and stage.gate is not None for stage in settings.stages)


def _builder(
    before: orm.ProcessNode,
    nodes: Mapping[str, Any],
    settings: CampaignSettings,
    jobs: Mapping[str, Any],
    heritage: Mapping[str, Any],
) -> Any:
    """The new campaign's builder, checked."""
    from aiida import orm

    from aiida_mlhull.workflows.inputs import check_stages
    from aiida_mlhull.workflows.screen import Screen

    check_stages(settings)
    engines = {name: dict(inputs) for name, inputs in before.inputs["engines"].items()}
    if "record" in nodes:
        engines["recorded"] = {names.RECORD: nodes["record"]}
    for inputs in engines.values():
        if names.REFERENCES in inputs:
            inputs[names.REFERENCES] = nodes["references"]
    builder = Screen.get_builder()
    builder.code = before.inputs["code"]
    builder.candidates = dict(nodes["candidates"])
    builder.references = nodes["references"]
    builder.engines = engines
    builder.settings = orm.Dict(settings.model_dump(mode="json"))
    builder.jobs = orm.Dict(dict(jobs))
    builder.earlier = {key: value for key, value in heritage.items() if value or not isinstance(value, dict)}
    builder["metadata"]["label"] = settings.name
    for name in ("parent", "recipes", "literature"):
        if name in before.inputs:
            builder[name] = before.inputs[name]
    if nodes[names.PROPERTIES]:
        builder.properties = nodes[names.PROPERTIES]
    for name in ("parents", "warm"):
        if name in before.inputs:
            by_gate = _plain(before.inputs[name])
            builder[name] = {stage: one for stage, one in by_gate.items() if _has_gate(settings, stage)}
    ports = Screen.spec().inputs
    refused = ports.validate(ports.pre_process(builder._inputs(prune=True)))  # noqa: SLF001  (as AiiDA itself does)
    if refused is not None:
        raise InputError(refused.message)
    return builder
