"""Measurements: each module prints one JSON object, speeds as a ratio to a named peer in the same run."""
