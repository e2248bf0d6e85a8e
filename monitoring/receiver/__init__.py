"""The local alert receiver: keeps every notification of Alertmanager, so that it can be looked at."""
