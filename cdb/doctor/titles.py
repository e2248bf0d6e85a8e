"""The items of the checklist by their names, in the order in which they are shown."""

from typing import Final

TITLES: Final = {
    "parts": "every part is healthy",
    "targets": "Prometheus reaches all its targets",
    "endpoints": "each service shows /metrics",
    "metrics": "the contract's metrics are in Prometheus",
    "feed": "market data arrive",
    "rising": "signals, approvals and trades rise",
    "dashboards": "dashboards and alerts ask for what exists",
    "grafana": "Grafana has the dashboards",
    "rules": "the alerts are loaded and evaluated",
    "alertmanager": "Alertmanager is ready",
    "notification": "a notification arrives",
    "firing": "nothing fires now",
    "trace": "a trace can be followed end to end",
    "secrets": "secrets are set, and none is a test's",
    "env": ".env is for its owner only",
    "settings": "what runs has the settings of now",
    "effect": "every setting has an effect",
    "account": "the account is as the settings say",
    "shell": "variables of other programs have no effect",
    "test-endpoints": "endpoints for tests are off",
    "loopback": "only this machine can reach it",
    "resources": "disk and memory suffice",
    "clock": "the clocks agree",
    "versions": "programs are new enough",
}
