"""Whatever a server sends ends in rows, reasons or an error of ours."""

from __future__ import annotations

import copy
import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from aiida_mlhull.science.errors import MlhullError
from aiida_mlhull.science.sources import SOURCES
from aiida_mlhull.science.sources.base import Row, sift
from aiida_mlhull.science.sources.client import complaints
from aiida_mlhull.science.sources.importing import import_from
from aiida_mlhull.science.sources.links import next_link
from aiida_mlhull.science.sources.materials_project import MaterialsProject
from aiida_mlhull.science.sources.optimade_entries import attributes_of, row_of
from aiida_mlhull.science.sources.paged import unique
from aiida_mlhull.science.types.reasons import Stated, is_stated
from tests.science.sources.quirks import sulfide

EXAMPLES = int(os.environ.get("MLHULL_FUZZ", "60"))

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def places(content, path=()):
    """The path of every value in JSON."""
    yield path
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def replaced(content, path, value):
    """A copy with another value at ``path``."""
    if not path:
        return value
    whole = copy.deepcopy(content)
    inside = whole
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return whole


def damaged(whole):
    """``whole`` with something else at one place or two."""
    one = st.builds(replaced, st.just(whole), st.sampled_from(list(places(whole))), anything)
    return one | one.flatmap(
        lambda first: st.builds(replaced, st.just(first), st.sampled_from(list(places(first))), anything)
    )


ENTRY = sulfide(2)
ANSWER = {
    "data": [sulfide(1), sulfide(2)],
    "links": {"next": "?page_offset=2"},
    "meta": {"data_returned": 4, "more_data_available": True},
}
LAST = {"data": [sulfide(3), sulfide(4)], "links": {"next": None}, "meta": {"data_returned": 4}}


@settings(max_examples=EXAMPLES, deadline=None)
@given(anything | damaged(ENTRY))
def test_any_entry_is_a_row(entry):
    rows = unique([row_of(attributes_of(entry, place="entry 1")), row_of(attributes_of(entry, place="entry 2"))])
    assert all(isinstance(row, Row) for row in rows)
    portion = sift("any", rows)
    assert len(portion) == 2
    assert all(is_stated(reason, Stated.READER) for reason in portion.left_out.reasons.tolist())


class Canned:
    """A client whose server answers with what it is given, in turn."""

    def __init__(self, answers):
        self.answers = list(answers)

    def get(self, url):
        return self.answers.pop(0) if self.answers else LAST


INFO = {"data": {"properties": {"_lab_hull": {"type": "float"}}}}


@settings(max_examples=EXAMPLES, deadline=None)
@given(damaged(INFO) | st.just(INFO), damaged(ANSWER), damaged(LAST), st.booleans(), st.booleans())
def test_any_answers_are_a_table_or_an_error(info, first, second, partial, skip):
    answers = [answer for answer in (info, first, second) if isinstance(answer, dict)]
    source = SOURCES["optimade"]("http://lab.example", client=Canned(answers), partial=partial, skip_pages=skip)
    with tempfile.TemporaryDirectory() as folder:
        try:
            counts = import_from(source, Path(folder) / "t.csv")
        except MlhullError:
            return
        assert counts.used > 0
        assert (Path(folder) / "t.csv").exists()


@settings(max_examples=EXAMPLES, deadline=None)
@given(anything | damaged({"links": {"next": {"href": "/v1/structures?page_offset=2"}}}))
def test_any_link_leads_somewhere_or_is_an_error(answer):
    try:
        link = next_link(answer if isinstance(answer, dict) else {}, here="http://a.b/v1/s?x=1", asked={"filter": "x"})
    except MlhullError:
        return
    assert link == "" or link.startswith(("http://", "https://"))


@settings(max_examples=EXAMPLES, deadline=None)
@given(anything)
def test_any_complaint_is_text(content):
    assert isinstance(complaints(content), str)


DOCUMENT = {
    "material_id": "mp-1",
    "structure": {
        "lattice": {"matrix": [[3.0, 0, 0], [0, 3.0, 0], [0, 0, 3.0]]},
        "sites": [{"species": [{"element": "Fe", "occu": 1}], "abc": [0.0, 0.0, 0.0]}],
    },
}


@settings(max_examples=EXAMPLES, deadline=None)
@given(damaged(DOCUMENT["structure"]))
def test_any_document_is_a_row(structure):
    row = MaterialsProject(("Fe",)).row({"material_id": "mp-1", "structure": structure})
    assert len(sift("any", [row])) == 1
