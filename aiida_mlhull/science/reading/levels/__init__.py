"""Staged records: cells, energies, failures and costs of every level of a campaign that others have computed."""
