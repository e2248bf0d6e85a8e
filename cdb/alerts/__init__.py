"""`cdb alerts`: which alerts fire, which are held back, which notifications arrived."""
