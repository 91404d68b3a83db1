"""What engines of density functional theory have in common: how a calculation ended, its limits, its cost."""
