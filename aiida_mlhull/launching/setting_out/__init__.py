"""From little to a campaign file: the name of a chemical system, or one's own crystals."""
