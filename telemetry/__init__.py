"""The metric contract, and everything that records metrics and traces."""
