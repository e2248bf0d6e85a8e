"""The Helm chart: what it renders from ten sets of values, without a cluster."""
