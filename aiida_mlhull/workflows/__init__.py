"""The campaign's WorkChains: screen, round, fit, predict."""
