"""Maps of what has been explored: estimate what is missing, choose the best of every region, find what has not been tried."""
