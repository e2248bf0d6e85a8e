"""What every live exchange has in common: connections, order, gaps, clock, limits."""
