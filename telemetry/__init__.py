"""The metric contract, and everything that records metrics and traces."""

from telemetry import foreign

foreign.forget()  # OpenTelemetry reads some of them when it is imported
