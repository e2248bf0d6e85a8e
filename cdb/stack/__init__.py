"""`cdb up`, `down`, `status`, `env` and `clean`."""
