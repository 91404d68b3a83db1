"""``python -m aiida_mlhull.science.program`` is ``mlhull-job``."""

import sys

from aiida_mlhull.science.program.entry import main

if __name__ == "__main__":  # processes of a job import this file again
    sys.exit(main())
