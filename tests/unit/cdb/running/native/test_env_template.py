"""deploy/env.template: every setting that .env can have, once, with its default and what it means."""

import importlib
import re
from collections.abc import Iterator
from typing import Final

import pytest
import yaml

from cdb.running.native import Ports, envfile
from cdb.running.native.known_settings import OF_A_REPLAY, OF_THE_ENVIRONMENT, OF_THE_STACK
from services.settings import ServiceSettings, Settings
from services.topology import SERVICES
from tests.support.paths import ROOT

TEXT: Final = envfile.TEMPLATE.read_text(encoding="utf-8")
LINES: Final = tuple(re.findall(r"^(#?)([A-Z][A-Z0-9_]*)=(.*)$", TEXT, flags=re.MULTILINE))
VALUES: Final = {name: value for _, name, value in LINES}
DEFAULTS: Final = {name: value for commented_out, name, value in LINES if commented_out}
MODULES: Final = (
    *("services.settings", "services.risk.limits"),
    *("services.core.strategies.momentum_v1", "services.core.strategies.mean_reversion_v1"),
    *(
        "services.ws.sources.simulated",
        "services.ws.sources.replay",
        "monitoring.notifications.settings",
        "console.settings",
    ),
    *("services.ws.sources.mexc", "services.ws.sources.binance"),
    "cdb.running.server_settings",
    *(f"services.{service}.settings" for service in ("core", "execution", "risk", "ws")),
)
"""Where settings are declared. A new strategy or source works without a line in the template; one here helps users."""
CONSOLE: Final = ("ALERTMANAGER", "DATA", "JAEGER", "PROMETHEUS", "RISK")
REQUIRED: Final = dict.fromkeys((*envfile.SECRETS, *(f"CDB_CONSOLE_{name}" for name in CONSOLE)), "x")
CONFIGURATIONS: Final = ("docker-compose.yml", "otel-collector/config.yaml", "monitoring/jaeger/config.yaml")
CODE: Final = ("cdb", "services", "telemetry", "console", "monitoring/notifications", "deploy")

ELSEWHERE: Final = OF_A_REPLAY | OF_THE_ENVIRONMENT | OF_THE_STACK
"""Variables that do not stand in .env."""
UNREAD: Final = {"MEXC_API_KEY", "MEXC_API_SECRET"}
"""Lines that no setting of ours reads: the exchange's, for later."""


def kinds() -> Iterator[type[Settings]]:
    """Every class of settings that can be read by itself."""
    for name in MODULES:
        for each in vars(importlib.import_module(name)).values():
            if isinstance(each, type) and issubclass(each, Settings) and each.__module__ == name:
                yield each


KINDS: Final = tuple(kind for kind in kinds() if kind is not ServiceSettings)  # each service adds its port


def known() -> set[str]:
    """Variables that something reads."""
    configured = [(ROOT / file).read_text(encoding="utf-8") for file in CONFIGURATIONS]
    code = [file.read_text(encoding="utf-8") for folder in CODE for file in (ROOT / folder).rglob("*.py")]
    return {
        *(name for kind in KINDS for name in kind.variables()),
        *Ports.variables().values(),
        *(name for text in configured for name in re.findall(r"\$\{(?:env:)?(CDB_[A-Z0-9_]+)", text)),
        *(name for text in code for name in re.findall(r'"(CDB_[A-Z0-9_]+)"', text)),
    }


def test_every_setting_stands_in_the_template() -> None:
    ports = {service.port_variable for service in SERVICES}  # a new service works without its port in the template
    missing = sorted(known() - ELSEWHERE - ports - VALUES.keys())
    assert not missing, f"add to deploy/env.template, or to cdb/running/native/known_settings.py: {', '.join(missing)}"
    assert not ELSEWHERE - known()


def test_nothing_stands_in_the_template_that_nobody_reads() -> None:
    unknown = sorted(VALUES.keys() - known() - UNREAD)
    assert not unknown, f"no code and no configuration reads {', '.join(unknown)}"


def test_every_setting_stands_there_once_below_one_line_of_meaning() -> None:
    assert len(VALUES) == len(LINES)
    lines = TEXT.splitlines()
    for number, line in enumerate(lines):
        if re.match(r"#?[A-Z][A-Z0-9_]*=", line):
            assert re.match(r"# \S.{3,}", lines[number - 1]), f"{line} has no comment above it"
            assert not re.match(r"# [^-]", lines[number - 2]), f"{line} has more than one line of comment"


@pytest.mark.parametrize("kind", KINDS, ids=[kind.__name__ for kind in KINDS])
def test_a_default_that_is_uncommented_changes_nothing(kind: type[Settings]) -> None:
    own = {"CDB_TEST_ENDPOINTS", "CDB_OTLP_ENDPOINT"}  # the stack's defaults, not those of a service alone
    uncommented = {name: value for name, value in VALUES.items() if name not in own and name not in envfile.SECRETS}
    assert kind.model_validate({**uncommented, **REQUIRED}) == kind.model_validate(REQUIRED)


def test_the_ports_are_the_documented_ones() -> None:
    assert Ports.from_environment(DEFAULTS) == Ports.default()


def test_the_defaults_are_those_of_the_configuration_files() -> None:
    found = {
        (name, default)
        for file in CONFIGURATIONS
        for name, default in re.findall(r"\$\{(?:env:)?([A-Z0-9_]+):-([^}]+)\}", (ROOT / file).read_text("utf-8"))
        if name in VALUES and name != "CDB_TEST_ENDPOINTS"
    }
    assert {name for name, _ in found} >= {"CDB_PROMETHEUS_RETENTION", "CDB_TRACE_RETENTION", "CDB_SLOW_DECISION_MS"}
    assert {(name, VALUES[name]) for name, _ in found} == found
    prometheus = yaml.safe_load((ROOT / "monitoring/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    assert prometheus["global"]["scrape_interval"] == DEFAULTS["CDB_SCRAPE_INTERVAL"]
