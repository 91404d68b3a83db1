"""What has been run of a study: ensembles, predictions and truth of every row, found by group, label and links."""
