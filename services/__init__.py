"""The four trading services and what they share: messages, bus, ledger and process frame."""

import telemetry  # noqa: F401  before anything else: it takes away variables that OpenTelemetry reads when it is imported
