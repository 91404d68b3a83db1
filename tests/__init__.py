"""A package, so that no other one of that name is taken for it: some distributions bring their tests along."""
