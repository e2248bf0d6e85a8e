"""Latency, throughput and durability of the live flow, measured on a stack of its own (docs/performance.md)."""
