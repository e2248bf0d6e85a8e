"""The account's report: figures, equity, and every fill for a spreadsheet or a tax adviser."""
