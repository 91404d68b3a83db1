"""Where a file can't be written is said before the work, not after it."""

from __future__ import annotations

import pytest

from tests.cli.conftest import run


@pytest.mark.parametrize(
    "words",
    [
        ("clean", "{table}", "-o"),
        ("clean", "{table}", "-o", "{folder}/x.parquet", "--decisions"),
        ("generate", "prototypes", "Ti", "N", "-o"),
        ("generate", "substitution", "{table}", "--dry-run", "--draw-table"),
        ("import", "files", "{table}", "-o"),
        ("prototypes", "Ti", "N", "--output"),
        ("rejected", "--round", "1", "-o"),
        ("replay", "{table}", "--references", "{table}", "--scores"),
        ("tune", "{table}", "--target", "energy_per_atom_ev", "-o"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_folder_that_is_not_there(desk, words):
    table, nowhere = desk.table(), desk.folder / "nowhere"
    filled = [word.format(table=table, folder=desk.folder) for word in words]
    result = run(*filled, nowhere / "x.parquet")
    assert result.exit_code == 2
    said = " ".join(result.output.replace(str(nowhere), "NOWHERE").split())
    assert "NOWHERE/x.parquet can't be written: there is no folder NOWHERE" in said


@pytest.mark.parametrize(
    "words",
    [
        ("generate", "substitution", "{table}", "--dry-run", "--table"),
        ("references", "import"),
        ("replay", "{table}", "--scores", "{folder}/x.json", "--references"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_file_that_is_not_there(desk, words):
    filled = [word.format(table=desk.table(), folder=desk.folder) for word in words]
    result = run(*filled, desk.folder / "nowhere.json")
    assert result.exit_code == 2
    assert "nowhere.json' does not exist" in " ".join(result.output.split())


def test_a_place_of_our_own_is_made_only_where_it_is_needed(tmp_path, monkeypatch):
    import tempfile

    from aiida_mlhull.launching import profile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert profile.choose("mine", folder=None) is None
    assert not list(tmp_path.iterdir())
