"""The notifications of Alertmanager: read, stored, and told their end where nobody else tells it."""
