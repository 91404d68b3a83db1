"""From a job's folder to nodes, or to an exit code."""
