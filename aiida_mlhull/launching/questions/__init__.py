"""Questions that need no campaign: recipes, strain, phases on a hull."""
