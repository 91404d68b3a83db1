"""What a campaign gives people to read: a summary, tables and pictures in a folder."""
