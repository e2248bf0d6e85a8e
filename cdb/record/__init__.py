"""`cdb record`: what the running stack's market source publishes, as a file of trades."""
