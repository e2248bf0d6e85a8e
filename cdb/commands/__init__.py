"""The commands, one module for each group; cdb/main.py joins them."""
