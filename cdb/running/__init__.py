"""The stack that runs, with and without containers."""
