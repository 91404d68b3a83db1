"""``python -m aiida_mlhull.science.standin`` is ``mlhull-vasp-standin``."""

import sys

from aiida_mlhull.science.standin.entry import main

if __name__ == "__main__":
    sys.exit(main())
