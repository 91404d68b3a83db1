"""Core-hours shared out on the command line."""

import json

import pytest

from tests.cli.conftest import run

WORDS = ["--have", "100", "1000", "--budget", "300", "--cost", "1", "--cost-ratio", "10"]


def test_equal_slopes_share_what_is_spent_in_the_end_equally():
    """100 core-hours on either side so far and 300 to come: 250 in the end on each, whatever a label costs."""
    curves = ["--expensive", "10:1,1000:0.1", "--cheap", "10:1,1000:0.1"]
    result = run("spend", *curves, *WORDS, "--json")
    assert result.exit_code == 0, result.output
    plan = json.loads(result.output)
    assert plan["expensive"] == pytest.approx(150)
    assert plan["cheap"] == pytest.approx(1500)
    assert plan["error_ratio"] == pytest.approx(2.5**-0.5 * 2.5**-0.5)
    assert "expensive labels to add      150" in run("spend", *curves, *WORDS).output


@pytest.mark.parametrize(
    ("curve", "message"),
    [
        ("10:1,1000", "is not a learning curve; write N:ERROR"),
        ("10:1", "two or more different sizes"),
        ("10:1,1000:2", "neither kind of label"),
    ],
)
def test_what_is_no_curve(curve, message):
    result = run("spend", "--expensive", curve, "--cheap", curve, *WORDS)
    assert result.exit_code == 1
    assert message in " ".join(result.output.split())
