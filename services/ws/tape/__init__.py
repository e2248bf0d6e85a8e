"""Recorded trades in the forms that people have: files, columns, values, order."""
