"""A builder that is filled from a protocol and what the user says instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida import orm
from aiida.engine import ProcessBuilder

from aiida_mlhull.data import CandidatesData, ReferencesData
from aiida_mlhull.job_pool.settings import JobSettings
from aiida_mlhull.science.campaign.file import DEFAULT_PROTOCOL
from aiida_mlhull.science.campaign.settings import campaign_settings, load_protocol, protocol_names
from aiida_mlhull.science.types.strict import validated


class ProtocolBuilder:
    """Gives a WorkChain the methods around protocols that AiiDA's users know."""

    @classmethod
    def get_available_protocols(cls) -> dict[str, str]:
        """Names and descriptions of the protocols."""
        return {name: " ".join(load_protocol(name)["description"].split()) for name in protocol_names()}

    @classmethod
    def get_default_protocol(cls) -> str:
        """The protocol that is taken if none is named."""
        return DEFAULT_PROTOCOL

    @classmethod
    def get_builder_from_protocol(
        cls,
        code: orm.AbstractCode,
        candidates: Mapping[str, CandidatesData],
        references: ReferencesData,
        *,
        engines: Mapping[str, Mapping[str, Any]],
        protocol: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        jobs: Mapping[str, Any] | None = None,
    ) -> ProcessBuilder:
        """A builder, ready to submit.

        Args:
            code: the program mlhull-job.
            candidates: shards by key.
            references: known phases.
            engines: inputs of the engines by name: ``{"recorded": {"record": labels}}``.
            protocol: name of a protocol; the default one if None.
            overrides: campaign settings that differ from the protocol's; mappings are merged.
            jobs: job sizes and limits that differ from the defaults.

        Raises:
            SettingsError: if overrides or jobs are wrong.
            UnknownNameError: if a name is unknown; the message lists the known ones.
        """
        settings = campaign_settings(overrides or {}, protocol=protocol or cls.get_default_protocol())
        sizes = validated(JobSettings, jobs or {}, what="jobs")
        builder: ProcessBuilder = cls.get_builder()  # type: ignore[attr-defined]
        builder.code = code
        builder.candidates = dict(candidates)
        builder.references = references
        builder.engines = {name: dict(inputs) for name, inputs in engines.items()}
        builder.settings = orm.Dict(settings.model_dump(mode="json"))
        builder.jobs = orm.Dict(sizes.model_dump())
        builder["metadata"]["label"] = settings.name
        return builder
