"""`cdb alerts`: what fires, what is held back, which notifications arrived."""
