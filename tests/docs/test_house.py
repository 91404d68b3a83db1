"""The drawing of the house is the one that the code gives today."""

from __future__ import annotations

import runpy
from pathlib import Path

HOUSE = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "house.py"))


def test_picture_and_table_are_up_to_date():
    assert HOUSE["PICTURE"].read_text() == HOUSE["picture"](), "run 'python docs/house.py' and commit what it writes"
    assert HOUSE["TABLE"].read_text() == HOUSE["table"](), "run 'python docs/house.py' and commit what it writes"


def test_every_room_is_drawn_with_a_sentence():
    package = Path(__file__).parents[2] / "aiida_mlhull"
    rooms = {path.parent.relative_to(package) for path in package.glob("*/__init__.py")}
    rooms |= {path.parent.relative_to(package) for path in package.glob("science/*/__init__.py")}
    table = HOUSE["table"]()
    missing = [str(room) for room in rooms if str(room) != "science" and f"| `{room}` | " not in table]
    assert not missing
    assert "|  |" not in table
