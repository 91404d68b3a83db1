"""Somebody with crystals of their own: the tutorial on a new chemistry, README and the first page, on few crystals."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from aiida_mlhull.science.reading import read_candidates
from aiida_mlhull.science.tables.export import cif_files
from tests.arsenides import smallest
from tests.cli.conftest import run
from tests.docs.following import Reader, desk_of_a_reader
from tests.docs.pages import PAGES

TUTORIAL = "docs/tutorials/new-chemistry.md"
SAYS = {
    TUTORIAL: {"launch ti_zn_n.yaml --foreground": "launch small.yaml --foreground"},
    "docs/index.md": {"explore Ti-Zn-N": "explore Ti-Zn-N --limit 10 --references mp-elements"},
    "README.md": {},
}
"""Pages in their order, and what is smaller here."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """With the crystals that the tutorial names, a few small ones, and six of these as CIF."""
    folder = tmp_path_factory.mktemp("own")
    desk_of_a_reader(folder)
    (folder / "small").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run("prototypes", "Ti", "Zn", "N", "--output", "all.parquet").exit_code == 0
        every = read_candidates(folder / "all.parquet").candidates
        named = np.isin(every.ids, re.findall(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", PAGES[TUTORIAL]))
        assert named.sum() == 14
        few = smallest(every, 6)
        named[few] = True
        table = pq.read_table("all.parquet")
        pq.write_table(table.filter(pc.is_in(table["id"], pa.array(every.ids[named]))), "small/candidates.parquet")
    (folder / "cifs").mkdir()
    for name, content in cif_files(every.take(few)):
        (folder / "cifs" / name).write_bytes(content)
    campaign = (folder / "ti_zn_n.yaml").read_text().replace("candidates.parquet", "small/candidates.parquet")
    (folder / "small.yaml").write_text(campaign)
    return folder


@pytest.mark.parametrize("page", SAYS)
def test_the_page_says_what_its_commands_say(page, module_profile, folder, monkeypatch):
    monkeypatch.chdir(folder)
    if page == TUTORIAL:
        assert run("setup").exit_code == 0
    assert Reader(page, folder, words=SAYS[page]).follow()
