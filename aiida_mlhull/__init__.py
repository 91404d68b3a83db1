"""Find the phases on the convex hull with a fraction of the relaxations, and prove why.

The package has two halves. Everything below :mod:`aiida_mlhull.science` runs without AiiDA;
everything else puts it into AiiDA's graph and does no arithmetic of its own.
"""

__version__ = "0.1.0"
