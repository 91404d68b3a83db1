"""``python -m aiida_mlhull.standin`` is ``mlhull-vasp-standin``."""

import sys

from aiida_mlhull.standin.entry import main

if __name__ == "__main__":
    sys.exit(main())
