"""Pages of the console on real servers."""
