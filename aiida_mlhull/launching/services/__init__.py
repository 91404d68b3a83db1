"""What a campaign needs of AiiDA while it runs: a daemon with room for it, a database that lets it write."""
