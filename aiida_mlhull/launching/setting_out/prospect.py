"""From a person's crystals to a campaign with what prospecting has kept: everything in one folder."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from aiida_mlhull.launching import profile
from aiida_mlhull.launching.questions.placing import known_phases
from aiida_mlhull.launching.setting_out import PROSPECTING
from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.reading.candidates import FEWEST
from aiida_mlhull.science.wire import read_json, write_whole

if TYPE_CHECKING:
    from aiida_mlhull.science.models.base import ReportLine
    from aiida_mlhull.science.prospecting import Known, Prospect, ProspectFolder, ProspectSettings, Retrospect
    from aiida_mlhull.science.types import EnsembleWeights, References

CAMPAIGN: Final = "campaign.yaml"
FIGURES: Final = "prospect.json"


@dataclass(frozen=True)
class Prospected:
    """What was written into a folder.

    Attributes:
        campaign: the campaign file.
        kept: candidates that it names.
        told: for people: the funnel, what the kept ones are made of, scores.
    """

    campaign: Path
    kept: int
    told: str


def prospect(
    crystals: Path,
    folder: Path,
    *,
    references: str,
    elements: Path | None = None,
    scheme: str = "",
    later: Path | None = None,
    ensemble: str | None = None,
    settings: ProspectSettings | None = None,
    protocol: str = PROSPECTING,
    profile_name: str | None = None,
    report: ReportLine = print,
) -> Prospected:
    """Prospect, and write what is kept as a campaign into a folder; AiiDA is needed for stored nodes alone.

    Results of stages are kept there as they are done: the same call goes on from them.

    Args:
        crystals: file or folder of known crystals with energies.
        folder: that is made, or has been made by the same call.
        references: known phases, see :func:`~aiida_mlhull.launching.questions.placing.known_phases`.
        elements: elemental references that stand apart from a file.
        scheme: of energies in a file that doesn't say it.
        later: crystals that were found later, to score it by.
        ensemble: stored one that is asked; one is fitted if None.
        settings: how to prospect.
        protocol: of the campaign.
        profile_name: AiiDA's profile, where one is needed.
        report: called with what was read, and with progress.

    Raises:
        InputError: if the folder is that of something else or another process is at it, nothing can be drawn, or fewer than two candidates are kept.
        UnknownNameError: if there is no such protocol or node.
    """
    from aiida_mlhull.science.campaign.settings import load_protocol
    from aiida_mlhull.science.prospecting import ProspectFolder, ProspectSettings, asked_for
    from aiida_mlhull.science.prospecting.prospect import check_words

    load_protocol(protocol)
    settings = settings or ProspectSettings()
    asked = None if ensemble is None else _ensemble(ensemble, profile_name)
    check_words(settings, asked)
    remarks: list[str] = []
    phases = known_phases(references, elements, scheme, profile_name, remarks)
    wish = asked_for(crystals, phases, settings, later=later, ensemble=asked, protocol=protocol)
    with closing(ProspectFolder(folder, wish, last=CAMPAIGN)) as place:
        place.check()
        if place.finished:
            return _finished(place)
        for line in filter(None, (place.so_far(), *remarks)):
            report(line)
        return _go_on(place, crystals, phases, settings, later=later, ensemble=asked, protocol=protocol, report=report)


def _go_on(
    place: ProspectFolder,
    crystals: Path,
    phases: References,
    settings: ProspectSettings,
    *,
    later: Path | None,
    ensemble: EnsembleWeights | None,
    protocol: str,
    report: ReportLine,
) -> Prospected:
    """Whatever is not done by now."""
    from aiida_mlhull.science.prospecting import known_once, retrospect
    from aiida_mlhull.science.prospecting import prospect as prospected
    from aiida_mlhull.science.prospecting.folder import KNOWN, LATER
    from aiida_mlhull.science.prospecting.words import in_words, scores_in_words

    folder, stages = place.path, place.stages
    known = known_once(crystals, phases, stages=stages, name=KNOWN, settings=settings)
    truth = None if later is None else known_once(later, phases, stages=stages, name=LATER)
    for line in (*known.remarks, *(() if truth is None else truth.remarks)):
        report(line)
    found = prospected(
        known.crystals, known.energies, known.references, settings, ensemble=ensemble, stages=stages, report=report
    )
    told, scores = in_words(found, known, settings), None
    if truth is not None:
        scores = retrospect(found, known.crystals, truth.crystals, truth.energies, known.references)
        told += f"\n\n{scores_in_words(scores)}"
    _write(folder, found, known, settings, scores)
    if len(found.kept) < FEWEST:
        raise InputError(
            f"{told}\n\n{len(found.kept)} kept: a campaign needs {FEWEST} candidates. {folder} holds all but a campaign; "
            f"'aiida-mlhull import weights {folder}/ensemble' stores the ensemble, for --ensemble and another rule"
        )
    told += _too_few(len(found.kept), protocol)
    campaign = _write_campaign(folder, known, settings, protocol)
    place.finish()
    return Prospected(campaign, len(found.kept), told)


def _finished(place: ProspectFolder) -> Prospected:
    """What an earlier call of the same words has brought to its end."""
    kept = read_json(place.path / FIGURES)["kept"]
    return Prospected(place.path / CAMPAIGN, kept, f"{place.path} is finished: {kept:,} kept; nothing was done again")


def settings_from(
    file: Path | None,
    *,
    parents_within: float | None = None,
    exclude: tuple[str, ...] = (),
    draws: int | None = None,
    model: str | None = None,
    members: int | None = None,
    rule: str | None = None,
    seed: int | None = None,
) -> ProspectSettings:
    """Settings of a YAML file, with what was said on the command line laid over them; None was not said.

    Args:
        file: keys of :class:`~aiida_mlhull.science.prospecting.ProspectSettings`; None for the defaults.
        parents_within: eV/atom above the hull.
        exclude: elements and groups that are never drawn.
        draws: for each parent.
        model: of the ensemble.
        members: of the ensemble.
        rule: that keeps or drops.
        seed: of all that is drawn.

    Raises:
        SettingsError: if they don't add up.
        UnknownNameError: if there is no such rule.
    """
    from aiida_mlhull.science.campaign.file import read_mapping
    from aiida_mlhull.science.campaign.settings import changed
    from aiida_mlhull.science.prospecting import ProspectSettings
    from aiida_mlhull.science.types.strict import validated

    said = {
        "substitution": _said(near_hull=parents_within, exclude=list(exclude) or None, draws=draws),
        "ensemble": _said(model=model, members=members),
        **_said(rule=rule, seed=seed),
    }
    # What prospecting does otherwise than its parts do by themselves: ten draws, ten Wrens.
    base = ProspectSettings().model_dump(include={"substitution": {"draws"}, "ensemble": {"model", "members"}})
    for changes in ({} if file is None else read_mapping(file), said):
        base = changed(base, changes, what="prospecting")
    return validated(ProspectSettings, base, what="prospecting")


def _said(**words: Any) -> dict[str, Any]:
    return {key: value for key, value in words.items() if value is not None}


def _ensemble(name: str, profile_name: str | None) -> EnsembleWeights:
    profile.load(profile_name)
    from aiida_mlhull.launching import stored

    return stored.ensemble(name).to_science()


def _too_few(kept: int, protocol: str) -> str:
    """What is to be said where the protocol's models would have too few results to learn from."""
    from aiida_mlhull.science.campaign.settings import campaign_settings

    settings = campaign_settings({}, protocol=protocol)
    needed = settings.needed_labels if any(stage.gate for stage in settings.stages) else 0
    if kept >= needed:
        return ""
    return (
        f"\n\nNote: the models of {protocol} need {needed} results before they order the rest, and {kept} candidates are "
        "kept: '--protocol potential' relaxes them all without asking models"
    )


def _write_campaign(folder: Path, known: Known, settings: ProspectSettings, protocol: str) -> Path:
    content = {
        "name": folder.name,
        "protocol": protocol,
        "seed": settings.seed,
        "candidates": "candidates.parquet",
        "references": {"file": "known.parquet", "scheme": known.references.scheme},
    }
    file = folder / CAMPAIGN
    write_whole(file, yaml.safe_dump(content, sort_keys=False, allow_unicode=True).encode())
    return file


def _write(folder: Path, found: Prospect, known: Known, settings: ProspectSettings, scores: Retrospect | None) -> None:
    """The kept candidates with what was said of them, all decisions, the hull, the ensemble, and the figures."""
    import pyarrow as pa
    import pyarrow.csv

    from aiida_mlhull.science.generators.mining import mine_substitutions
    from aiida_mlhull.science.prospecting.benchmark import matbench_columns
    from aiida_mlhull.science.prospecting.words import facts
    from aiida_mlhull.science.tables.export import flat, to_parquet, written
    from aiida_mlhull.science.wire import encode_ensemble, encode_substitutions, write_json
    from aiida_mlhull.science.wire.files import without_nan

    kept, labels = found.kept, known.crystals.protostructures
    said = (
        flat(found.predictions.select(kept.ids)).select(["mean", "sigma"]).rename_columns(["mean_ev_per_atom", "sigma"])
    )
    decided = flat(found.decisions.select(kept.ids)).select(["value", "score"])
    for name in decided.column_names:
        said = said.append_column(name, decided[name])
    (folder / "candidates.parquet").write_bytes(written(kept, said, kind="parquet"))
    (folder / "decisions.parquet").write_bytes(to_parquet(found.decisions))
    (folder / "known.parquet").write_bytes(to_parquet(known.references))
    table = mine_substitutions(labels, smoothing=settings.substitution.smoothing, source=known.crystals.source)
    (folder / "substitutions.json").write_bytes(encode_substitutions(table))
    (folder / "ensemble").mkdir(exist_ok=True)
    for name, content in encode_ensemble(found.ensemble).items():
        (folder / "ensemble" / name).write_bytes(content)
    pa.csv.write_csv(pa.table(matbench_columns(found, known.references)), folder / "matbench.csv")
    write_json(folder / FIGURES, without_nan(facts(found, known, settings, scores)))
