"""Stored traces: which decisions were slow, where their time went, and how long such spans usually take."""
