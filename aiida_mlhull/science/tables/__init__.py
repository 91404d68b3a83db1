"""Any noun as csv, parquet, JSON or CIF, as a summary, and as one headline."""
