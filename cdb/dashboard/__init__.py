"""`cdb dashboard`: Grafana's dashboards in the terminal."""
