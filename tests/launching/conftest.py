"""The desk of the command line's tests: inputs are the same, whoever reads them."""

from tests.cli.conftest import desk, nothing_stored, registered

__all__ = ["desk", "nothing_stored", "registered"]
