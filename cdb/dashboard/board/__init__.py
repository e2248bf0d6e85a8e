"""Draw a committed Grafana dashboard in a terminal, from the running stack's Prometheus."""
