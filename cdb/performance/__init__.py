"""What the account has earned, as commands show it: on a terminal, on a page, in a spreadsheet.

Figures are computed in services/performance; here they are read, named and drawn.
"""
