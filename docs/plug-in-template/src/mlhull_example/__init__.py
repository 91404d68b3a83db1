"""A keep-rule, a model and a protocol that a package of its own adds to aiida-mlhull."""
