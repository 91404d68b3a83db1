"""Graphs and weighted sets, many of them packed into one."""
