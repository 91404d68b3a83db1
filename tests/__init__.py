"""Tests; a package so that none of the same name that others install comes before it."""
