"""The science, free of AiiDA: representations, models, hulls, keep-rules and the campaign's decisions."""
