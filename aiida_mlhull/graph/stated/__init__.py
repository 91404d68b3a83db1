"""What models have stated about their own errors, compared with what came of it."""
