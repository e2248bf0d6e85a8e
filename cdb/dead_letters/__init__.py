"""`cdb dead-letters`: messages that a service could not process."""
