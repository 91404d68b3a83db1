"""A campaign that runs: what is under way, and its stages in words."""
