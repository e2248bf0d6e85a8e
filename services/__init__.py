"""The four trading services and what they share: messages, bus, ledger and process frame."""
