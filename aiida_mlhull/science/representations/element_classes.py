"""Which elements of two crystals stand in each other's place.

Crystals whose Wyckoff representations differ in elements only are of one *kind*; the positions of one
element are a *class* of that kind. The order of elements in a label is alphabetical and carries no information about
that: here classes come in an order that depends on the kind alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from aiida_mlhull.science.representations.composition import NUMBERS
from aiida_mlhull.science.representations.elements import element_table
from aiida_mlhull.science.representations.protostructure import letters_of
from aiida_mlhull.science.representations.wyckoff_tables import relabelings

_CACHED: Final = 100_000


@dataclass(frozen=True)
class ElementClasses:
    """A kind of crystal, and the elements of one that is of this kind.

    Attributes:
        kind: space group and letters of every class, ``"225 a b"``; the same for all crystals whose
            representations are equal but for their elements.
        numbers: atomic number of every class, in the order of the kind.
    """

    kind: str
    numbers: tuple[int, ...]


@lru_cache(maxsize=_CACHED)
def element_classes(label: str) -> ElementClasses:
    """Kind and classes of a protostructure label.

    Of all equivalent letterings the first in the order of size, then of the alphabet, names the kind.
    Where the letters leave open which of two classes is which (rock salt, lettered either way), the less
    electronegative element comes first, so that cations meet cations when crystals are compared.

    Raises:
        CrystalError: if it is not a label.
    """
    group, elements, letters = letters_of(label)
    electronegativity = element_table().electronegativity
    spelled = []
    for choice in relabelings(group):
        classes = sorted(
            (len(word), "".join(sorted(choice[letter] for letter in word)), float(electronegativity[z]), z)
            for z, word in zip((NUMBERS[symbol] for symbol in elements), letters, strict=True)
        )
        words = tuple(word for _, word, _, _ in classes)
        spelled.append((words, tuple(known[2:] for known in classes)))
    words, ranked = min(spelled)
    return ElementClasses(kind=f"{group} {' '.join(words)}", numbers=tuple(z for _, z in ranked))
