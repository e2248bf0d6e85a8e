"""The dashboards as Python: one library of panels, one module for each dashboard, written as Grafana's JSON."""
