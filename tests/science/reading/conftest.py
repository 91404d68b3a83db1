"""Tables of candidates as files."""

from tests.science.candidate_files import csv, damaged, parquet, rows

__all__ = ["csv", "damaged", "parquet", "rows"]
