"""Maps of what has been explored: estimate what is missing, choose the best of every region, find what nobody has tried."""
