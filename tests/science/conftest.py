"""The science is tested without AiiDA: these stand in front of the fixtures that would set it up."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def aiida_config():
    """No configuration folder."""


@pytest.fixture(scope="session", autouse=True)
def aiida_profile():
    """No profile."""


@pytest.fixture(scope="session", autouse=True)
def run_aiida_broker_service():
    """No message broker."""
