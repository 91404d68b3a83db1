"""Tables of candidates as files."""

from tests.science.candidate_files import parquet, rows

__all__ = ["parquet", "rows"]
