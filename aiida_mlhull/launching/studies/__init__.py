"""Studies as processes: what is missing is fitted and asked, what is there is told."""
