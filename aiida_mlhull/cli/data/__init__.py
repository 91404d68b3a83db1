"""The groups that the package adds to ``verdi data``."""

from __future__ import annotations

import click

from aiida_mlhull import names
from aiida_mlhull.cli.data.factory import NodeKind, node_group

TABLE_FORMATS = ("csv", "json", "parquet")
CRYSTAL_FORMATS = (*TABLE_FORMATS, "cif")


def _stage() -> click.Option:
    return click.Option(["--stage"], help="Only nodes of this stage.")


def _round() -> click.Option:
    return click.Option(["--round"], type=int, help="Only nodes of this round.")


def _model() -> click.Option:
    return click.Option(["--model"], help="Only nodes of this model.")


def _alphabetical(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """A chemical system as it is stored."""
    return None if value is None else "-".join(sorted(value.split("-")))


candidates = node_group(NodeKind(names.CANDIDATES_NODE, "Shards of candidates", CRYSTAL_FORMATS))
predictions = node_group(
    NodeKind(names.PREDICTIONS_NODE, "Predictions of ensembles", TABLE_FORMATS, filters=(_model(),)),
)
decisions = node_group(
    NodeKind(
        names.DECISIONS_NODE,
        "Decisions to keep or drop",
        TABLE_FORMATS,
        filters=(_stage(), _round(), click.Option(["--rule"], help="Only decisions of this rule.")),
        has_reasons=True,
    )
)
labels = node_group(
    NodeKind(
        names.LABELS_NODE,
        "Results of relaxation stages",
        CRYSTAL_FORMATS,
        filters=(_stage(), click.Option(["--engine"], help="Only results of this engine.")),
        has_reasons=True,
    )
)
references = node_group(
    NodeKind(
        names.REFERENCES_NODE,
        "Known phases",
        TABLE_FORMATS,
        filters=(click.Option(["--scheme"], help="Only energies of this scheme."),),
    )
)
recipes = node_group(NodeKind("mlhull.recipes", "Published syntheses", TABLE_FORMATS))
reactions = node_group(NodeKind("mlhull.reactions", "Ways to make targets, ranked", TABLE_FORMATS))
ensemble = node_group(
    NodeKind(
        names.ENSEMBLE_NODE,
        "Ensembles of fitted models",
        ("json", "safetensors"),
        filters=(_model(),),
        has_systems=False,
        has_rows=False,
    )
)
substitutions = node_group(
    NodeKind(
        names.SUBSTITUTIONS_NODE,
        "Tables of element substitutions",
        ("json", "csv"),
        has_systems=False,
        has_rows=False,
    )
)
wyckoff = node_group(
    NodeKind(
        names.WYCKOFF_NODE,
        "Wyckoff representations",
        ("json", "csv"),
        filters=(
            click.Option(["--space-group"], type=click.IntRange(1, 230), help="Only this number."),
            click.Option(["--prototype"], help="Only this label without elements, e.g. AB_cF8_225_a_b."),
            click.Option(
                ["--system", "chemical_system"],
                metavar="A-B-C",
                callback=_alphabetical,
                help="Only this chemical system.",
            ),
        ),
        has_systems=False,
        has_rows=False,
    )
)
