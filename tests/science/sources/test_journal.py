"""What is kept of an interrupted import."""

from __future__ import annotations

import pytest

from aiida_mlhull.science.errors import InputError, WireError
from aiida_mlhull.science.sources.journal import Journal, Page


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "t.journal")


def test_pages_come_back_as_they_went_in(journal):
    assert journal.head() is None
    assert not journal.begin({"url": "here"}, columns={"energy": "number"})
    pages = [Page([{"id": "a", "cell": [1.5, None]}], "2", 3), Page([{"id": "b"}, {"id": "é"}], "", 3)]
    for page in pages:
        journal.append(page)
    again = Journal(journal.path)
    assert again.begin({"url": "here"})
    assert list(again.pages()) == pages
    assert again.told() == {"columns": {"energy": "number"}}


def test_a_line_that_was_cut_off_is_dropped_before_the_next_one_is_written(journal):
    journal.begin({"url": "here"})
    journal.append(Page([{"id": "a"}], "2"))
    whole = journal.path.read_bytes()
    for cut in range(1, 12):
        journal.path.write_bytes(whole + whole[-30:][:cut].rstrip(b"\n"))
        assert len(list(journal.pages())) == 1
        journal.begin({"url": "here"})
        journal.append(Page([{"id": "b"}], ""))
        assert [page.entries[0]["id"] for page in journal.pages()] == ["a", "b"]


def test_a_head_that_was_cut_off_is_nothing(journal):
    journal.path.write_text('{"asked": {"ur')
    assert journal.head() is None
    journal.begin({"url": "here"})
    assert journal.head() == {"url": "here"}


def test_another_query_and_another_file_are_refused(journal):
    journal.begin({"url": "here", "filter": "a"})
    journal.append(Page([{"id": "a"}], "2"))
    with pytest.raises(InputError, match=r"something else \(filter differ\)"):
        journal.begin({"url": "here", "filter": "b"})
    journal.path.write_text("id,energy\n1,2\n")
    with pytest.raises(WireError, match="not a journal of an import"):
        journal.head()


def test_a_query_that_was_refused_is_in_nobodys_way(journal):
    journal.begin({"url": "here", "filter": "elements HAS"})
    assert not journal.begin({"url": "here", "filter": 'elements HAS "Ti"'})
    assert journal.head() == {"url": "here", "filter": 'elements HAS "Ti"'}
