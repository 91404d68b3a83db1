"""From crystals to arrays. All of them are made from cells, so that any model can be asked about any candidate."""

from typing import Literal

Reads = Literal["composition", "wyckoff", "shells", "graph", "descriptors", "nothing"]
"""What a model knows of a crystal: its elements and their shares only; which Wyckoff positions they occupy, but
no coordinates; which neighbors are as far as which, but no distances; a graph of neighbors and distances; a vector of
numbers computed from the cell; nothing, for the floor under all others."""
