"""What is generated from the contract: Python modules, the collector's second file, the reference page."""
