"""How energies were made: functional, Hubbard U, settings, corrections; and which of them may meet in one hull."""

from aiida_mlhull.science.schemes.known import (
    KNOWN,
    KnownScheme,
    canonical,
    described,
    difference,
    same_scheme,
    scheme_of,
)
from aiida_mlhull.science.schemes.scheme import (
    MP2020,
    UNCORRECTED,
    Functional,
    Scheme,
    functional_named,
    parse_scheme,
)

__all__ = [
    "KNOWN",
    "MP2020",
    "UNCORRECTED",
    "Functional",
    "KnownScheme",
    "Scheme",
    "canonical",
    "described",
    "difference",
    "functional_named",
    "parse_scheme",
    "same_scheme",
    "scheme_of",
]
