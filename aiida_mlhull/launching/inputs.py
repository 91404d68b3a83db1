"""Inputs of a campaign: read from files or loaded from the graph, checked whole, and only then stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiida_mlhull import names
from aiida_mlhull.science.errors import InputError, MixedSchemesError, Problems, SettingsError, did_you_mean, listed

if TYPE_CHECKING:
    from aiida.engine import ProcessBuilder

    from aiida_mlhull.data import CandidatesData, ReferencesData
    from aiida_mlhull.launching.materials.existing import FinishedRuns, StoredTables
    from aiida_mlhull.science.campaign import CampaignSettings
    from aiida_mlhull.science.campaign.file import CampaignFile, CandidatesSource, ReferencesSource
    from aiida_mlhull.science.reading import Intake
    from aiida_mlhull.science.reading.levels.staged import StagedRecord
    from aiida_mlhull.science.reading.sieve import BadRows
    from aiida_mlhull.science.types import Candidates, Labels, Recipes, References


@dataclass(frozen=True)
class CampaignInputs:
    """The nouns that a campaign starts from, and what is to be said of them.

    Attributes:
        candidates: all of them, in one table.
        references: known phases, the elements among them; from a file those that can matter to the candidates.
        record: published results of the last stage; None if there are none.
        remarks: lines for people: rows read, used, left out and why.
        shards: stored ``mlhull.candidates`` whose rows are among the candidates.
        snapshot: the stored ``mlhull.references``, where they were named so.
        levels: published results of every stage that looks them up, in their order; empty for a record of one.
        literature: published recipes out of a file, where recipes are asked for with them.
        results: calculations that exist already, by the stage whose results they are.
        origins: what in the graph they were read from, where it was so.
    """

    candidates: Candidates
    references: References
    record: Labels | None
    remarks: tuple[str, ...] = ()
    shards: tuple[CandidatesData, ...] = ()
    snapshot: ReferencesData | None = None
    levels: tuple[Labels, ...] = ()
    literature: Recipes | None = None
    results: Mapping[str, Labels] = field(default_factory=dict)
    origins: Mapping[str, FinishedRuns | StoredTables] = field(default_factory=dict)


def read_files(
    candidates: Path, references: Path, *, elements: Path | None = None, bad_rows: BadRows = "refuse"
) -> CampaignInputs:
    """Inputs that are all in files.

    Args:
        candidates: file or folder.
        references: known phases.
        elements: elemental references, if they stand in a file of their own.
        bad_rows: whether candidates that can't be used are an error, or left out and counted.

    Raises:
        WireError: if a file can't be read.
        InputError: if what it holds can't be used; the message names the rows.
    """
    from aiida_mlhull.science.campaign.file import CampaignFile, CandidatesSource, ReferencesSource

    return read_inputs(
        CampaignFile(
            candidates=(CandidatesSource(file=candidates),),
            references=ReferencesSource(file=references, elements=elements),
            bad_rows=bad_rows,
        )
    )


def read_inputs(campaign: CampaignFile) -> CampaignInputs:
    """Everything that a campaign file names.

    Raises:
        WireError: if a file can't be read.
        InputError: if what it holds can't be used (the message names the rows), or a node is of another kind.
        UnknownNameError: if a node or group doesn't exist.
    """
    from aiida_mlhull.launching.materials.existing import existing_results

    inputs = _read_tables(campaign)
    if not campaign.results:
        return inputs
    found = existing_results(campaign.results, inputs.candidates, inputs.references, campaign.settings())
    return replace(inputs, results=found.labels, origins=found.origins, remarks=(*inputs.remarks, *found.remarks))


def _read_tables(campaign: CampaignFile) -> CampaignInputs:
    """Candidates, references and record; see :func:`read_inputs`."""
    from aiida_mlhull.science.reading import relevant
    from aiida_mlhull.science.reading.candidates import read_candidates
    from aiida_mlhull.science.types import concatenate

    phases, snapshot, remark = read_references_at(campaign.references)
    scheme = campaign.references.scheme if snapshot is not None else phases.scheme
    shards, intakes, others = read_candidates_at(campaign.candidates, bad_rows=campaign.bad_rows, scheme=scheme)
    whole = concatenate([*(node.to_science() for node in shards), *(intake.candidates for intake in intakes)])
    published = None
    beside = () if campaign.recipes is None else campaign.recipes.extra_elements
    literature, said = _literature(campaign)
    if campaign.record is not None and campaign.record.file is None:
        staged = _staged(campaign, whole, scheme=scheme, stored=bool(shards))
        inputs = CampaignInputs(
            candidates=staged.candidates,
            references=relevant(phases, staged.candidates, beside=beside) if snapshot is None else phases,
            record=staged.levels[-1],
            remarks=(*(_headline(node) for node in shards), *(one.summary() for one in intakes), *others, remark),
            shards=tuple(shards),
            snapshot=snapshot,
            levels=staged.levels,
            literature=literature,
        )
        return replace(inputs, remarks=(*inputs.remarks, *staged.remarks, *said))
    if campaign.record is not None and campaign.record.file is not None:
        published = read_candidates(campaign.record.file, bad_rows="leave_out", scheme=scheme).require_record()
    elif not shards and all(intake.record is not None for intake in intakes):
        published = concatenate([intake.require_record() for intake in intakes])
    return CampaignInputs(
        candidates=whole,
        references=relevant(phases, whole, beside=beside) if snapshot is None else phases,
        record=published,
        remarks=(
            *(_headline(node) for node in shards),
            *(intake.summary() for intake in intakes),
            *others,
            remark,
            *said,
        ),
        shards=tuple(shards),
        snapshot=snapshot,
        literature=literature,
    )


def _staged(campaign: CampaignFile, candidates: Candidates, *, scheme: str, stored: bool) -> StagedRecord:
    """The levels that the stages of a campaign file look up, under the stages' names.

    Raises:
        InputError: if they are more or fewer than these stages.
    """
    from aiida_mlhull.launching.materials.levels import CAMPAIGN, GROUP, read_sources
    from aiida_mlhull.science.campaign.replay import RECORDED
    from aiida_mlhull.science.reading.levels.staged import assemble, under_names

    place = campaign.record
    assert place is not None
    words: list[str | Path] = list(place.levels or ())
    words += [f"{CAMPAIGN}{place.campaign}"] if place.campaign else []
    words += [f"{GROUP}{place.group}"] if place.group else []
    bad_rows: BadRows = "refuse" if stored else campaign.bad_rows
    levels, said = read_sources(words, bad_rows=bad_rows, scheme=scheme)
    stages = [stage.name for stage in campaign.settings().stages if stage.engine == RECORDED]
    return assemble(under_names(levels, stages), candidates, bad_rows=bad_rows, remarks=said, by_number=False)


def read_levels(
    words: Sequence[str],
    *,
    candidates: Path | None,
    names: Sequence[str],
    references: Path,
    elements: Path | None,
    bad_rows: BadRows = "leave_out",
) -> tuple[CampaignInputs, bool]:
    """A staged record and the references that go with it, for a replay.

    References that say no scheme are taken to be of the last level's, which is said.

    Args:
        words: levels, as :func:`~aiida_mlhull.launching.materials.levels.read_sources` takes them.
        candidates: cells before the first level, in a file or folder; None takes those of an earlier campaign where it
            is the source, else those after the first level.
        names: of the stages.
        references: known phases.
        elements: elemental references, if they stand in a file of their own.
        bad_rows: whether rows that can't be used, and candidates that lack one, are an error.

    Returns:
        The inputs, and whether the cells before the first level are known.
    """
    from aiida_mlhull.launching.materials import levels as sources
    from aiida_mlhull.science.reading import read_references, relevant
    from aiida_mlhull.science.reading.candidates import AS_PUBLISHED
    from aiida_mlhull.science.reading.levels.staged import assemble, read_staged

    campaigns = [word.removeprefix(sources.CAMPAIGN) for word in words if word.startswith(sources.CAMPAIGN)]
    if any(map(sources.is_stored, words)):
        levels, said = sources.read_sources(words, names=names, bad_rows=bad_rows, scheme=AS_PUBLISHED)
        cells = sources.candidates_of(campaigns[0]) if campaigns and candidates is None else None
        if candidates is not None:
            cells = read_files(candidates, references, elements=elements, bad_rows=bad_rows).candidates
        staged = assemble(levels, cells, bad_rows=bad_rows, remarks=said, by_number=False)
    else:
        staged = read_staged([Path(word) for word in words], candidates=candidates, names=names, bad_rows=bad_rows)
    known = read_references(references, elements=elements, bad_rows="leave_out")
    phases, remarks, scheme = known.references, [*staged.remarks, known.summary()], staged.levels[-1].scheme
    if phases.scheme == AS_PUBLISHED != scheme:
        remarks.append(f"the references say no scheme: they are taken to be of the last level's ({scheme})")
        phases = replace(phases, scheme=scheme)
    inputs = CampaignInputs(
        candidates=staged.candidates,
        references=relevant(phases, staged.candidates),
        record=staged.levels[-1],
        remarks=tuple(remarks),
        levels=staged.levels,
    )
    return inputs, not staged.bare


def _literature(campaign: CampaignFile) -> tuple[Recipes | None, list[str]]:
    """Published recipes out of the file that the campaign names, and what is to be said of them."""
    from aiida_mlhull.science.recipes import read_recipes

    source = None if campaign.recipes is None else campaign.recipes.literature
    if source is None or source.file is None:
        return None, []
    read = read_recipes(source.file)
    return read.recipes, [f"{source.file.name}: {len(read.recipes)} recipes, {len(read.bad_rows)} rows left out"]


def read_candidates_at(
    places: tuple[CandidatesSource, ...], *, bad_rows: BadRows, scheme: str
) -> tuple[list[CandidatesData], list[Intake], list[str]]:
    """Shards that are stored, tables that are not, and what is in groups beside them."""
    from aiida_mlhull.launching import stored
    from aiida_mlhull.science.reading.candidates import read_candidates

    shards: list[CandidatesData] = []
    intakes: list[Intake] = []
    others: list[str] = []
    for place in places:
        if place.file is not None:
            intakes.append(read_candidates(place.file, bad_rows=bad_rows, scheme=scheme))
        elif place.group is not None:
            in_group, intake, beside = stored.candidates_in(place.group, bad_rows=bad_rows)
            others += [beside] if beside else []
            shards += in_group
            intakes += [] if intake is None else [intake]
        else:
            shards.append(stored.candidates(str(place.node)))
    return shards, intakes, others


def read_references_at(place: ReferencesSource) -> tuple[References, ReferencesData | None, str]:
    """Known phases, the node that holds them if there is one, and what is to be said of them."""
    from aiida_mlhull.launching import stored
    from aiida_mlhull.science.reading import read_references
    from aiida_mlhull.science.reading.references import read_shipped

    if place.shipped is not None:
        intake = read_shipped(place.shipped)
        return intake.references, None, intake.summary()
    if place.file is None:
        node = stored.references(str(place.node))
        return node.to_science(), node, _headline(node)
    # Single unusable lines of a large reference file don't stop a campaign.
    intake = read_references(
        place.file,
        elements=place.elements,
        bad_rows="leave_out",
        scheme=place.scheme,
        corrections=place.corrections,
        only=place.only,
        guesses=place.guesses,
    )
    return intake.references, None, intake.summary()


def _headline(node: CandidatesData | ReferencesData) -> str:
    return f"node {node.pk}: {node.headline(node.base.attributes.all)}"


def make_nodes(inputs: CampaignInputs) -> dict[str, Any]:
    """The nouns as nodes, stored ones as they are: ``candidates`` by shard, ``references``, what else there is by name."""
    from aiida_mlhull.data import CandidatesData, LabelsData, RecipesData, ReferencesData

    stored_ids = [name for node in inputs.shards for name in node.columns("ids")["ids"].tolist()]
    new = inputs.candidates.without(stored_ids)
    shards = [*inputs.shards, *(CandidatesData.from_science(new.take(rows)) for rows in shard_rows(len(new)))]
    nodes: dict[str, Any] = {
        "candidates": {f"shard_{index:03d}": node for index, node in enumerate(shards)},
        "references": inputs.snapshot or ReferencesData.from_science(inputs.references),
    }
    if inputs.levels:
        nodes["levels"] = {level.stage: LabelsData.from_science(level) for level in inputs.levels}
    elif inputs.record is not None:
        ids = inputs.candidates.ids
        nodes["record"] = LabelsData.from_science(inputs.record.select(ids[inputs.record.has(ids)]))
    if inputs.results:
        nodes["results"] = {stage: LabelsData.from_science(table) for stage, table in inputs.results.items()}
    if inputs.literature is not None:
        nodes["literature"] = RecipesData.from_science(inputs.literature)
    return nodes


def shard_rows(total: int) -> list[range]:
    """Rows of every shard."""
    from aiida_mlhull.data import MAX_SHARD_ROWS
    from aiida_mlhull.science.types.table import slices

    return [range(total)[part] for part in slices(total, size=MAX_SHARD_ROWS)]


def store(nodes: Mapping[str, Any]) -> None:
    """Store the nodes of :func:`make_nodes` in one transaction."""
    from aiida.manage import get_manager

    with get_manager().get_profile_storage().transaction():
        record = [
            *nodes.get("levels", {}).values(),
            *nodes.get("results", {}).values(),
            *(nodes[name] for name in ("record", "literature") if name in nodes),
        ]
        for node in (*nodes["candidates"].values(), nodes["references"], *record):
            node.store()


def make_builder(
    nodes: Mapping[str, Any],
    *,
    protocol: str,
    overrides: Mapping[str, Any],
    code: Any,
    jobs: Mapping[str, Any],
    engines: Mapping[str, Mapping[str, Any]] | None = None,
    recipes: Mapping[str, Any] | None = None,
) -> ProcessBuilder:
    """The campaign, checked and ready to run; nothing has been stored yet.

    Args:
        nodes: of :func:`make_nodes`; also ``parent`` or ``parents`` by gate, where members begin with another ensemble's,
            ``properties``, ensembles by name, and ``warm``, labels of earlier campaigns.
        protocol: name of the protocol.
        overrides: what differs from it.
        code: the program mlhull-job.
        jobs: sizes and limits.
        engines: inputs of engines in words, by the engines' names, as in the campaign file.
        recipes: what to ask for new phases at the end; None asks nothing.

    Raises:
        SettingsError: if overrides, jobs or engines are wrong.
        UnknownNameError: if a name is unknown.
        InputError: if the inputs don't fit together.
    """
    from aiida_mlhull.science.campaign import campaign_settings
    from aiida_mlhull.workflows.screen import Screen

    settings = campaign_settings(overrides, protocol=protocol)
    words, names = engines or {}, sorted({stage.engine for stage in settings.stages})
    problems = Problems()
    check_stages_and_engines(settings, words, problems)
    problems.refuse_any()
    of_engines = {name: _engine_inputs(name, nodes, code=code, words=words.get(name, {})) for name in names}
    _check_meeting(settings, of_engines, nodes["references"])
    builder: ProcessBuilder = Screen.get_builder_from_protocol(
        code,
        nodes["candidates"],
        nodes["references"],
        engines=of_engines,
        protocol=protocol,
        overrides=overrides,
        jobs=jobs,
    )
    _complete(builder, nodes, recipes)
    ports = Screen.spec().inputs
    refused = ports.validate(ports.pre_process(builder._inputs(prune=True)))  # noqa: SLF001  (as AiiDA itself does)
    if refused is not None:
        raise InputError(refused.message)
    return builder


def _complete(builder: ProcessBuilder, nodes: Mapping[str, Any], recipes: Mapping[str, Any] | None) -> None:
    """Add what only some campaigns have: ensembles to begin with, existing results, questions for recipes."""
    from aiida import orm

    from aiida_mlhull.science.campaign.extension import RETRIED

    if "parent" in nodes:
        builder.parent = nodes["parent"]
    if nodes.get("parents"):
        builder.parents = nodes["parents"]
    if nodes.get(names.PROPERTIES):
        builder.properties = nodes[names.PROPERTIES]
    there = {stage: {"given": node} for stage, node in nodes.get("results", {}).items()}
    if "warm" in nodes:
        builder.warm = nodes["warm"].by_gate
        for stage, tables in nodes["warm"].results.items():
            there[stage] = {**tables, **there.get(stage, {})}
    if there:
        builder.earlier = {"results": there, "retry": orm.List(list(RETRIED))}
    if recipes is not None:
        builder.recipes = dict(recipes)
        if "literature" in nodes:
            builder.literature = nodes["literature"]


def check_stages_and_engines(
    settings: CampaignSettings, words: Mapping[str, Mapping[str, Any]], problems: Problems
) -> None:
    """Collect what is wrong with stages, and with what stands in a file about engines.

    Args:
        settings: of the campaign.
        words: what stands in the file about engines, by their names.
        problems: that are added to.
    """
    from aiida_mlhull.engines import ENGINES
    from aiida_mlhull.workflows.inputs import check_stages

    names = sorted({stage.engine for stage in settings.stages})
    with problems:
        check_stages(settings)
    with problems:
        idle = sorted(set(words) - set(names))
        if idle:
            raise SettingsError(
                f"engines that no stage names: {listed(idle)}; stages name {listed(names)}{did_you_mean(idle[0], names)}"
            )
    for name in names:
        with problems:
            ENGINES[name].load_inputs(words.get(name, {}))


def _engine_inputs(name: str, nodes: Mapping[str, Any], *, code: Any, words: Mapping[str, Any]) -> dict[str, Any]:
    """What an engine takes of the campaign's nodes, and what the campaign file holds for it."""
    from aiida_mlhull.engines import ENGINES

    ports = ENGINES[name].spec().inputs
    offers = {"code": code, **{key: nodes.get(key) for key in ("record", "levels", "references")}}
    offered = {key: value for key, value in offers.items() if key in ports and value is not None}
    return {**offered, **ENGINES[name].load_inputs(words)}


def _check_meeting(settings: CampaignSettings, engines: Mapping[str, Any], references: Any) -> None:
    """Refuse what AiiDA's validation would refuse later, with what people can do about it in their campaign file."""
    from aiida_mlhull.science.campaign.replay import RECORDED
    from aiida_mlhull.workflows.inputs import check_scheme

    if RECORDED in engines and {"record", "levels"}.isdisjoint(engines[RECORDED]):
        raise InputError(
            f"the engine {RECORDED} looks up published results, but none were given: name a file with 'record', give "
            f"candidates with relaxed cells and energies, or take a protocol that relaxes ('protocol: potential')"
        )
    try:
        check_scheme(settings, engines, references)
    except MixedSchemesError as error:
        raise MixedSchemesError(
            f"{error}; if they were, say so in the campaign file, with 'scheme' under 'references'"
        ) from None
