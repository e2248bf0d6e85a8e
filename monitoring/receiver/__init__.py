"""The local alert receiver: stores and shows the notifications of Alertmanager."""
