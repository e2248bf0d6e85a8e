"""The dashboards in Python, written as Grafana's JSON: a library of panels, and a module for each dashboard."""
