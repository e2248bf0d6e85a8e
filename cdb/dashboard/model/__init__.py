"""The dashboards and what they show, whatever draws it: queries, units, colours, thresholds, tables."""
