"""The metric contract and the only way to measure: instruments, readers and traces."""
