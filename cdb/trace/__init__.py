"""Look at the traces that were kept: which decisions were slow, where their time went, and what is usual."""
