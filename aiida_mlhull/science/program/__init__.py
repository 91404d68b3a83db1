"""What runs on a compute node: ``mlhull-job fit|predict|relax FOLDER``.

The program reads a job's folder and writes its results there. It knows nothing of AiiDA, and AiiDA's
side knows nothing of what it computes: the folder (:mod:`aiida_mlhull.science.wire`) is all they share.
"""

from aiida_mlhull.science.program.entry import main

__all__ = ["main"]
