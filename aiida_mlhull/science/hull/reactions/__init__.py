"""The hull between reactants: slices through it, what forms on the way, and how selective a reaction is."""
