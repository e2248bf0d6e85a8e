"""`cdb flatten`: close positions now."""
