"""The pages: a module for each, whose `add` gives its addresses to the application."""
