"""Generators of the files made from the contract: Python modules, the collector's renaming, the reference page."""
