"""What people have on their disk: candidates, references, a campaign file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner, Result

from aiida_mlhull.cli import main
from aiida_mlhull.names import SCREEN
from tests.arsenides import DEMO
from tests.forks import quick_program

if TYPE_CHECKING:
    from aiida.orm import ProcessNode

EVERY = 6


@dataclass(frozen=True)
class Desk:
    """A folder with everything that a campaign is given, and the command at hand.

    Attributes:
        folder: the folder.
    """

    folder: Path

    def table(self, **changes: Any) -> Path:
        """The candidates, with whole columns replaced by what functions of their values return."""
        table = pq.read_table(DEMO / "hypothetical_pnictides.parquet")
        clean = np.flatnonzero(np.asarray(table["clean_pair"].to_pylist()))
        table = table.take(clean[::EVERY])
        for name, change in changes.items():
            values = change(table[name].to_pylist())
            column = table.schema.get_field_index(name)
            table = table.set_column(column, name, pa.array(values, table.schema.field(column).type))
        path = self.folder / "candidates.parquet"
        pq.write_table(table, path)
        return path

    def campaign(self, **changes: Any) -> Path:
        """A campaign file in two small rounds on a record, whose counts don't depend on what models say."""
        gate = {"rule": "top_n", "rule_settings": {"n": 12}, "rounds": 2, "batch": 8}
        content: dict[str, Any] = {
            "name": "arsenides",
            "protocol": "laptop",
            "seed": 3,
            "candidates": "candidates.parquet",
            "references": {"file": str(DEMO / "competing_phases.parquet"), "elements": str(DEMO / "elements.json")},
            "overrides": {
                "start": 16,
                "budget": 40,
                "stages": [{"name": "final", "engine": "recorded", "core_minutes": 605, "gate": gate}],
                "ensemble": {"members": 2, "blind_members": 0},
            },
        }
        content |= changes
        if not (self.folder / "candidates.parquet").exists():
            self.table()
        path = self.folder / "campaign.yaml"
        path.write_text(yaml.safe_dump(content))
        return path


def give_settings(campaign: Any, *stages: str) -> None:
    """Settings as an input of a campaign's node that is not stored yet.

    Args:
        campaign: the node.
        stages: their names; all look up a record.
    """
    from aiida import orm
    from aiida.common.links import LinkType

    from aiida_mlhull.science.campaign import campaign_settings

    content = {"stages": [{"name": name, "engine": "recorded"} for name in stages or ("final",)]}
    settings = orm.Dict(campaign_settings(content, protocol="laptop-plain").model_dump(mode="json")).store()
    campaign.base.links.add_incoming(settings, LinkType.INPUT_WORK, "settings")


def begun(
    kind: type[ProcessNode], *, caller: ProcessNode | None = None, process_type: str | None = SCREEN.process_type
) -> ProcessNode:
    """A stored process that hasn't ended."""
    from aiida.common.links import LinkType

    node = kind(process_type=process_type)
    node.set_process_label("RelaxCalculation")
    node.set_process_state("waiting")
    if process_type == SCREEN.process_type and caller is None:
        give_settings(node)
    if caller is not None:
        link = LinkType.CALL_CALC if "calculation" in node.node_type else LinkType.CALL_WORK
        node.base.links.add_incoming(caller, link, "called")
    return node.store()


def run(*arguments: object) -> Result:
    """What the command line answers; errors that are no refusals come out."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def desk(tmp_path) -> Desk:
    """A folder with everything that a campaign is given."""
    return Desk(tmp_path)


@pytest.fixture(scope="module")
def registered(aiida_profile) -> Any:
    """The program with its libraries loaded, registered as setup does it."""
    result = run("setup", "--executable", quick_program())
    assert result.exit_code == 0, result.output
    return aiida_profile


@pytest.fixture
def nothing_stored(aiida_profile) -> Any:
    """Fails a test after which there are more nodes than before."""
    from aiida import orm

    before = orm.QueryBuilder().append(orm.Node).count()
    yield
    assert orm.QueryBuilder().append(orm.Node).count() == before
