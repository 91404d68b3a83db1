"""What models have stated about their own errors, held against what came of it."""
