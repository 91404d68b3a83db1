"""Questions to the stored graph: campaigns, rounds, decisions, results, the history of a candidate."""
