"""Which candidates are worth keeping: filters, duplicates, and crystals that became the same."""
