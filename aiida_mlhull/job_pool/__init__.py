"""Many jobs of one kind: so many at a time, tried again, and worked off in waves."""
