"""When the alerts on services, database and bus fire. All times are from the first scrape."""

from typing import Final

from tests.integration.monitoring.alerts.promtool import Case, Firing
from tests.support.bot import INSTANCES

NO_TARGET: Final = "is no longer a target of Prometheus (it has no up)."
NO_ANSWER: Final = "does not answer Prometheus (up is 0)."
ILL: Final = "answers, but its own health check fails (cdb_health_status is 0)."


def down(service: str, why: str) -> Firing:
    return Firing(
        severity="critical",
        component=service,
        labels={"service": service},
        summary=f"{service} is down",
        description=f"{service} {why}",
    )


def alone(service: str, instance: str) -> Firing:
    return Firing(
        severity="warning",
        component=service,
        labels={"service": service, "instance": instance, "job": "cdb_services"},
        summary=f"One of two {service} is down",
        description=f"{instance} does not answer Prometheus (up is 0). The other {service} works; if that ends, too, "
        "nobody takes over.",
    )


STANDBY: Final = 'up{instance="cdb_risk_standby:8102", job="cdb_services"}'


def services(up: dict[str, str] | None = None, health: dict[str, str] | None = None) -> dict[str, str]:
    """Up and health of all four, well but for what is given; an empty text is a series that is not there."""
    found = {}
    for service, instance in INSTANCES.items():
        at = f'instance="{instance}", job="cdb_services"'
        found[f"up{{{at}}}"] = (up or {}).get(service, "1x60")
        found[f'cdb_health_status{{{at}, service="{service}"}}'] = (health or {}).get(service, "1x60")
    return {name: values for name, values in found.items() if values}


def unreachable(what: str, component: str, description: str) -> Firing:
    return Firing(
        severity="critical", component=component, summary=f"{what} cannot be reached", description=description
    )


NO_POSTGRES: Final = unreachable("PostgreSQL", "database", "The exporter cannot connect to PostgreSQL (pg_up is 0).")
NO_PG_UP: Final = unreachable("PostgreSQL", "database", "The state of PostgreSQL is unknown: pg_up is missing.")
NO_REDIS: Final = unreachable("Redis", "message_bus", "The exporter cannot connect to Redis (redis_up is 0).")
NO_REDIS_UP: Final = unreachable("Redis", "message_bus", "The state of Redis is unknown: redis_up is missing.")
POSTGRES: Final = 'pg_up{instance="cdb_postgres_exporter:9187", job="postgres"}'
REDIS: Final = 'redis_up{instance="cdb_redis_exporter:9121", job="redis"}'


def offset_of(instance: str) -> str:
    return f'cdb_clock_offset_seconds{{instance="{instance}", job="cdb_services"}}'


def skewed(instance: str, offset: str) -> Firing:
    return Firing(
        severity="warning",
        component="clock",
        labels={"instance": instance},
        summary=f"The clocks of {instance} and Redis differ",
        description=f"The clock of {instance} differs from Redis's by {offset} s (plus is ahead, minus is behind). "
        "Trading may stand still: cdb_core and cdb_risk leave out prices that are more than 5 s early, and cdb_risk "
        "rejects signals older than MAX_SIGNAL_AGE_S.",
    )


CASES: Final = (
    Case(
        rule="four healthy services are quiet",
        alert="ServiceDown",
        series=services(),
        at={"1m": [], "10m": []},
    ),
    Case(
        rule="a check that has failed twice fires a minute after that, and resolves a minute after it is well again",
        alert="ServiceDown",
        series=services(health={"cdb_execution": "1x3 0x7 1x20"}),
        at={
            "2m": [],
            "2m30s": [down("cdb_execution", ILL)],
            "3m45s": [down("cdb_execution", ILL)],
            "4m15s": [],
        },
    ),
    Case(
        rule="a check that has failed once is no reason",
        alert="ServiceDown",
        series=services(health={"cdb_execution": "1x3 0 1 0 1 0 1 0 1 0 1 0 1x20"}),
        at={"2m": [], "2m30s": [], "3m": []},
    ),
    Case(
        rule="a dead process is one alert, with its last health and then without, until a minute after it is back",
        alert="ServiceDown",
        series=services(up={"cdb_risk": "1x3 0x15 1x20"}, health={"cdb_risk": "1x6 stale _x11 1x20"}),
        at={"1m45s": [], "2m": [down("cdb_risk", NO_ANSWER)], "5m45s": [down("cdb_risk", NO_ANSWER)], "6m15s": []},
    ),
    Case(
        rule="a service that was ill before it died goes on as the same alert",
        alert="ServiceDown",
        series=services(up={"cdb_ws": "1x3 0x20"}, health={"cdb_ws": "0x6 stale"}),
        at={"45s": [], "1m": [down("cdb_ws", NO_ANSWER)], "2m": [down("cdb_ws", NO_ANSWER)]},
    ),
    Case(
        rule="a target that is gone is one alert of the same form",
        alert="ServiceDown",
        series=services(up={"cdb_core": "1x3 stale"}, health={"cdb_core": "1x3 stale"}),
        at={"1m45s": [], "2m": [down("cdb_core", NO_TARGET)], "10m": [down("cdb_core", NO_TARGET)]},
    ),
    Case(
        rule="without any target and any series there is one alert for each service",
        alert="ServiceDown",
        series={"vector_of_nothing": "0x60"},
        at={"45s": [], "1m": [down(service, NO_TARGET) for service in INSTANCES]},
    ),
    Case(
        rule="one of two that runs is enough",
        alert="ServiceDown",
        series={**services(up={"cdb_risk": "1x3 0x40"}), STANDBY: "1x60"},
        at={"10m": []},
    ),
    Case(
        rule="two that are dead are one alert",
        alert="ServiceDown",
        series={**services(up={"cdb_risk": "1x3 0x40"}), STANDBY: "1x3 0x40"},
        at={"1m45s": [], "2m": [down("cdb_risk", NO_ANSWER)]},
    ),
    Case(
        rule="a dead standby fires after two minutes and resolves when it is back",
        alert="ServiceWithoutStandby",
        series={**services(), STANDBY: "1x3 0x12 1x20"},
        at={"2m45s": [], "3m": [alone("cdb_risk", "cdb_risk_standby:8102")], "4m30s": []},
    ),
    Case(
        rule="so does the first of two after the second has taken over",
        alert="ServiceWithoutStandby",
        series={**services(up={"cdb_risk": "0x40"}), STANDBY: "1x60"},
        at={"2m": [alone("cdb_risk", "cdb_risk:8002")]},
    ),
    Case(
        rule="where there is one there is no standby, and none that could fail",
        alert="ServiceWithoutStandby",
        series=services(up={"cdb_risk": "1x3 0x40"}),
        at={"10m": []},
    ),
    Case(
        rule="up of other jobs is not a service's",
        alert="ServiceDown",
        series={**services(), 'up{instance="cdb_redis_exporter:9121", job="redis"}': "0x60"},
        at={"5m": []},
    ),
    Case(
        rule="PostgreSQL that is away fires after a minute and resolves two minutes after it is back",
        alert="DatabaseConnectionFailures",
        series={POSTGRES: "1x3 0x7 1x20"},
        at={"1m45s": [], "2m": [NO_POSTGRES], "4m45s": [NO_POSTGRES], "5m15s": []},
    ),
    Case(
        rule="a missing pg_up is the same alert, which goes on",
        alert="DatabaseConnectionFailures",
        series={POSTGRES: "1x3 0x1 stale _x20 1x20"},
        at={"1m45s": [], "2m": [NO_PG_UP], "8m30s": [NO_PG_UP], "9m15s": []},
    ),
    Case(
        rule="Redis that is away fires after a minute and resolves two minutes after it is back",
        alert="RedisUnavailable",
        series={REDIS: "1x3 0x7 1x20"},
        at={"1m45s": [], "2m": [NO_REDIS], "4m45s": [NO_REDIS], "5m15s": []},
    ),
    Case(
        rule="a missing redis_up is the same alert, which goes on",
        alert="RedisUnavailable",
        series={REDIS: "1x3 0x1 stale _x20 1x20"},
        at={"1m45s": [], "2m": [NO_REDIS_UP], "8m30s": [NO_REDIS_UP], "9m15s": []},
    ),
    Case(
        rule="a clock that is ahead or behind is told after a minute, and until it is right",
        alert="ClockSkew",
        series={
            offset_of("cdb_ws:8000"): "0x3 3600x7 0x20",
            offset_of("cdb_core:8001"): "0x3 -2.5x7 0x20",
            offset_of("cdb_risk:8002"): "0x30",
        },
        at={
            "1m45s": [],
            "2m": [skewed("cdb_ws:8000", "+3600"), skewed("cdb_core:8001", "-2")],
            "3m": [],
        },
    ),
    Case(
        rule="what a busy machine makes of two clocks that agree is nothing",
        alert="ClockSkew",
        series={offset_of("cdb_ws:8000"): "2x20", offset_of("cdb_core:8001"): "-2x20"},
        at={"5m": []},
    ),
)
