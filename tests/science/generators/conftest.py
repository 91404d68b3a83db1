"""Tables of candidates as files."""

from tests.science.candidate_files import damaged, parquet, rows

__all__ = ["damaged", "parquet", "rows"]
