"""Dashboards in the browser: what an address asks for, what is shown of it, and the options of its charts."""
