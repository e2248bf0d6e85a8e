"""`cdb dead-letters`: messages that no service could handle."""
