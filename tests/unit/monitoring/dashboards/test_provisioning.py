"""What Grafana is given at its start: data sources that dashboards name, and the dashboards."""

import re
from pathlib import Path
from typing import Any, Final

import yaml

from cdb.running.native import StackConfig, grafana, select
from monitoring.dashboards.source.__main__ import FILES, ROOT

PROVISIONING: Final = ROOT / "monitoring/grafana/provisioning"
DATA_SOURCES: Final = PROVISIONING / "datasources/datasources.yml"
DASHBOARDS: Final = PROVISIONING / "dashboards/dashboards.yml"


def sources() -> dict[str, dict[str, Any]]:
    """The data sources by uid."""
    return {source["uid"]: source for source in yaml.safe_load(DATA_SOURCES.read_text(encoding="utf-8"))["datasources"]}


def test_prometheus_is_the_default_and_jaeger_beside_it() -> None:
    assert {uid: (one["type"], one.get("isDefault", False)) for uid, one in sources().items()} == {
        "prometheus": ("prometheus", True),
        "jaeger": ("jaeger", False),
    }


def test_every_uid_that_is_named_belongs_to_a_data_source() -> None:
    files = [DATA_SOURCES, *(ROOT / name for name in FILES)]
    named = {uid for file in files for uid in re.findall(r'"?\w*[uU]id"?: "?([\w-]+)"?', file.read_text("utf-8"))}
    assert named - {Path(name).stem for name in FILES} == set(sources())


def test_an_exemplar_leads_to_its_trace_and_a_span_to_its_metrics() -> None:
    (exemplar,) = sources()["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert (exemplar["name"], exemplar["datasourceUid"]) == ("trace_id", "jaeger")
    metrics = sources()["jaeger"]["jsonData"]["tracesToMetrics"]
    assert metrics["datasourceUid"] == "prometheus"
    assert all("{$$__tags}" in query["query"] for query in metrics["queries"])


def test_a_rate_is_taken_over_four_scrapes() -> None:
    prometheus = yaml.safe_load((ROOT / "monitoring/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    assert sources()["prometheus"]["jsonData"]["timeInterval"] == prometheus["global"]["scrape_interval"]


def test_grafana_leaves_alone_what_is_its_own_and_gets_all_the_rest(tmp_path: Path) -> None:
    """A `$` that is not doubled is a variable of the environment, and an unset one would be an empty address."""
    config = StackConfig.isolated(ROOT, tmp_path, parts=select(("prometheus",)))
    text = "".join(file.read_text(encoding="utf-8") for file in (DATA_SOURCES, DASHBOARDS))
    asked = re.findall(r"(?<!\$)\$\{?(\w+)", re.sub(r"#.*", "", text))
    assert sorted(asked) == sorted(grafana.environment(config))


def test_the_dashboards_come_from_the_committed_files(tmp_path: Path) -> None:
    (provider,) = yaml.safe_load(DASHBOARDS.read_text(encoding="utf-8"))["providers"]
    assert (provider["type"], provider["allowUiUpdates"]) == ("file", False)
    config = StackConfig.isolated(ROOT, tmp_path, parts=())
    place = Path(grafana.environment(config)["CDB_GRAFANA_DASHBOARDS"])
    assert {place / Path(name).name for name in FILES} == set(place.iterdir())
    assert place / grafana.HOME_DASHBOARD in set(place.iterdir())
