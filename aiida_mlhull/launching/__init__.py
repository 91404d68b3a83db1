"""From what people have, files or nodes, to a campaign that runs."""
