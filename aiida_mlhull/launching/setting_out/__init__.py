"""From little to a campaign file: the name of a chemical system, or one's own crystals."""

from typing import Final

PROSPECTING: Final = "goodall-2021-prospect"
"""The protocol of campaigns that prospecting writes."""
