"""Check that dashboards, alerts and recording rules ask for what exists, in the right way and the right unit."""
