"""A chemical system becomes a folder with candidates and a campaign file."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from aiida_mlhull.launching.setting_out.explore import elements_in, set_out
from aiida_mlhull.science.campaign.file import read_campaign_file
from aiida_mlhull.science.errors import InputError


@pytest.mark.parametrize("wrong", ["Ti", "Ti-Ti", "Ti-Xx", "TiN", ""])
def test_what_is_not_a_system(wrong):
    with pytest.raises(InputError, match="write Ti-Zn-N|such as Ti-Zn-N"):
        elements_in(wrong)


def test_a_folder_that_can_be_launched(tmp_path, monkeypatch):
    monkeypatch.delenv("MP_API_KEY", raising=False)
    made = set_out("Ti-N", tmp_path / "ti-n", max_sites=4, limit=12, seed=3)
    read = read_campaign_file(made.campaign)
    assert (read.name, read.seed, read.protocol, read.references.shipped) == ("ti-n", 3, "potential", "mp-elements")
    rows = pq.read_table(tmp_path / "ti-n" / "candidates.parquet")
    assert 0 < rows.num_rows == made.candidates <= 12
    assert "MP_API_KEY" in made.remarks[0]
    with pytest.raises(InputError, match="there already"):
        set_out("Ti-N", tmp_path / "ti-n", max_sites=4, limit=12)


def test_known_phases_of_a_file(tmp_path):
    (tmp_path / "known.csv").write_text("id,formula,energy_ev_per_atom\na,Ti,-7.0\nb,N,-8.0\n")
    made = set_out("Ti-N", tmp_path / "a", references=str(tmp_path / "known.csv"), max_sites=2, limit=2)
    assert read_campaign_file(made.campaign).references.file == tmp_path / "known.csv"
    with pytest.raises(InputError, match="no such file"):
        set_out("Ti-N", tmp_path / "b", references="nowhere.csv", max_sites=2)
    assert not (tmp_path / "b").exists()
