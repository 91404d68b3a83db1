"""Jobs of the program mlhull-job, and the calcfunctions in which nodes change; no WorkChain."""
