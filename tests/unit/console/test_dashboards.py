"""Dashboards in the browser: the model's figures, for an address that is checked, of a server that may be away."""

import html
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from cdb.dashboard.model.ask import Window, ask
from cdb.dashboard.model.dashboards import Dashboard, load_dashboards
from cdb.dashboard.model.values import as_values
from console.app import create_app
from console.ground import Ground
from tests.support.clocks import SettableClock
from tests.support.consoles import client_of, ground_of
from tests.support.paths import ROOT
from tests.unit.console.fake_prometheus import SYMBOLS, TRACE, FakePrometheus, settled

BOARDS: Final = {board.uid: board for board in load_dashboards(ROOT).read.values()}
OVERVIEW: Final = "/d/cdb-trading-overview"
HEALTH: Final = "/d/cdb-system-health"
SECOND: Final = 1_000_000_000


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(1_700_000_000 * SECOND)


@pytest.fixture
def prometheus() -> FakePrometheus:
    return FakePrometheus()


@pytest.fixture
def ground(tmp_path: Path, clock: SettableClock, prometheus: FakePrometheus) -> Ground:
    return prometheus.behind(ground_of(tmp_path, clock))


@pytest.fixture
def client(ground: Ground) -> FlaskClient:
    return client_of(ground)


def panels(shown: str) -> str:
    """HTML of all panels."""
    return shown.partition('<div class="board">')[2]


def part(shown: str, panel: int) -> str:
    """HTML of the panel with this number."""
    return shown.partition(f'id="p{panel}-panel"')[2].partition("</section>")[0]


def data(shown: str, panel: int) -> Any:
    """What the script draws in the panel with this number."""
    return json.loads(part(shown, panel).partition('<script type="application/json">')[2].partition("</script>")[0])


def texts(markup: str) -> list[str]:
    """The texts between the tags of *markup*, without what scripts read."""
    bare = re.sub(r"<script.*?</script>", "", markup, flags=re.DOTALL)
    return [html.unescape(one.strip()) for one in re.split(r"<[^>]*>", bare) if one.strip()]


@pytest.mark.parametrize("uid", BOARDS)
def test_a_page_has_the_figures_of_the_model(uid: str, client: FlaskClient, ground: Ground) -> None:
    """Those that `cdb dashboard --json` prints for the same answers, as text and in the data of each chart."""
    board, shown = BOARDS[uid], settled(client, f"/d/{uid}")
    values = as_values(ask(board, Window(1_700_000_000.0, 900.0), ground.prometheus))["panels"]
    assert len(values) == shown.count('<section class="panel')
    for at, panel in enumerate(values):
        assert panel["error"] is None
        said = texts(part(shown, at))
        for row in panel.get("rows", []):
            assert {one for one in row.values() if isinstance(one, str)} <= {*said}, panel["title"]
        for one in panel.get("values", []):
            assert one["text"] in said, panel["title"]
        if panel["type"] == "timeseries":
            drawn = {
                one["name"]: one["data"][-1] for one in data(shown, at)["option"]["series"][: len(panel["values"])]
            }
            assert drawn == {one["name"]: [1_700_000_000_000.0, one["value"]] for one in panel["values"]}
        if panel["type"] == "piechart":
            (series,) = data(shown, at)["option"]["series"]
            assert {one["name"]: one["value"] for one in series["data"]} == {
                one["name"]: one["value"] for one in panel["values"]
            }


def test_the_list_leads_to_every_dashboard(client: FlaskClient) -> None:
    shown = settled(client, "/dashboards")
    for uid, board in BOARDS.items():
        assert f'<a href="/d/{uid}">{html.escape(board.title)}</a>' in shown


def test_a_dashboard_stands_under_grafanas_addresses(client: FlaskClient) -> None:
    named = settled(client, f"{OVERVIEW}/trading-overview?orgId=1&from=now-5m&to=now")
    assert panels(named) == panels(settled(client, f"{OVERVIEW}?from=now-5m"))
    assert client.get("/d/nothing").status_code == 404


def test_health_is_what_grafana_answers(client: FlaskClient) -> None:
    answer = client.get("/api/health").get_json()
    assert answer["database"] == "ok"
    assert answer.keys() == {"commit", "database", "version"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("from=yesterday", "a time such as 2026-12-01T10:00Z (Z is UTC; or +01:00 and the like) or Unix milliseconds"),
        ("from=2023-11-14T22:00", "from must be now, now-15m (with s, m, h, d or w), a time such as"),
        ("from=0900-11-14T22:00Z", "from must be now, now-15m"),
        ("from=now-999999999w", "from must be now, now-15m"),
        ("to=now-1y", "to must be now, now-15m"),
        ("from=now", "from must be 30s to 31d before to; got &#39;now&#39; and &#39;now&#39;"),
        ("from=now-5w", "from must be 30s to 31d before to"),
        ("from=1700000000000", "from must be 30s to 31d before to; got &#39;1700000000000&#39; and &#39;now&#39;"),
        ("from=2020-01-01T00:00Z", "from must be 30s to 31d before to"),
        ("from=now-5m&to=2023-11-14T22:00Z", "from must be 30s to 31d before to"),
        ("from=1700000000000&to=1600000000000", "from must be 30s to 31d before to"),
        ("refresh=1s", "refresh must be off or a length of time such as 5s: &#39;1s&#39; is out of range: 5s to 1d"),
        ("refresh=fast", "refresh must be off or a length of time such as 5s"),
        ("range=2h", "range must be one of 5m, 15m, 1h, 6h, 24h, 7d; got &#39;2h&#39;"),
        ("var-symbol=DOGEUSDT", "var-symbol must be one of BTCUSDT, ETHUSDT; got &#39;DOGEUSDT&#39;"),
        ('var-symbol=B"} or up{x="', "var-symbol must be one of BTCUSDT, ETHUSDT; got"),
        ("&".join(f"var-symbol=S{at}" for at in range(51)), "var-symbol can have at most 50 values; got 51"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(client: FlaskClient, asked: str, said: str) -> None:
    reply = client.get(f"{OVERVIEW}?{asked}")
    assert reply.status_code == 400
    assert said in reply.get_data(as_text=True)


def test_no_promql_comes_from_the_address_while_no_symbol_is_known(
    client: FlaskClient, prometheus: FakePrometheus
) -> None:
    prometheus.away = True
    reply = client.get(OVERVIEW, query_string={"var-symbol": 'B"} or up{x="'})
    assert reply.status_code == 400
    assert "letters, digits and . _ : -" in reply.get_data(as_text=True)


def test_the_chosen_symbols_and_the_time_are_asked_for(client: FlaskClient, prometheus: FakePrometheus) -> None:
    settled(client, f"{OVERVIEW}?from=1600000000000&to=1600000900000&var-symbol=BTCUSDT&var-symbol=ETHUSDT")
    assert 'sum(cdb_signals_generated_total{symbol=~"(BTCUSDT|ETHUSDT)"})' in prometheus.queries()
    ranges = {(sent["start"], sent["end"]) for path, sent in prometheus.asked if path == "query_range"}
    assert ranges == {("1600000000.0", "1600000900.0")}


@pytest.mark.parametrize(
    "asked",
    [
        {"from": "2023-11-14T22:00Z", "to": "2023-11-14T23:10:00+01:00"},
        {"from": " 2023-11-14T22:00:00Z ", "to": "1700000000000"},
        {"from": "2023-11-14T22:00Z", "to": "now"},  # it is 22:13:20
    ],
)
def test_a_time_may_be_typed(client: FlaskClient, prometheus: FakePrometheus, asked: dict[str, str]) -> None:
    settled(client, f"{OVERVIEW}?{urlencode({**asked, 'range': '', 'refresh': '10s'})}")
    begun = {sent["start"] for path, sent in prometheus.asked if path == "query_range"}
    assert begun == {"1699999200.0"}


def fields(shown: str) -> dict[str, str]:
    """What the form asks for as it stands."""
    typed = re.findall(r'<input name="(\w+)" value="([^"]*)"', shown)
    chosen = re.findall(r'<select name="(\w+)".*?<option([^>]*) selected>([^<]*)', shown, re.DOTALL)
    return {**dict(typed), **{name: "" if 'value=""' in option else text for name, option, text in chosen}}


def test_the_form_has_the_time_that_is_shown_and_asks_for_it_again(client: FlaskClient) -> None:
    shown = fields(settled(client, f"{OVERVIEW}?from=now-6h&to=now-5h"))
    assert shown == {"from": "now-6h", "to": "now-5h", "range": "", "refresh": "10s"}
    shown = fields(settled(client, f"{OVERVIEW}?from=1699999200000&to=1700000000500"))
    assert (shown["from"], shown["to"]) == ("2023-11-14T22:00:00Z", "2023-11-14T22:13:20.500000Z")
    assert client.get(f"{OVERVIEW}?{urlencode(shown)}").status_code == 200


@pytest.mark.parametrize("path", [OVERVIEW, "/metrics-reference/cdb_equity_usd"])
def test_a_wrong_time_is_told_beside_the_form_as_it_was_filled_in(client: FlaskClient, path: str) -> None:
    shown = client.get(f"{path}?from=now-15m&to=noon&refresh=30s").get_data(as_text=True)
    form = shown.partition("<form")[2].partition("</form>")[0]
    assert "to must be now, now-15m (with s, m, h, d or w), a time such as 2026-12-01T10:00Z" in form
    assert fields(form) == {"from": "now-15m", "to": "noon", "range": "", "refresh": "30s"}
    assert "<body>" in shown
    assert "As of" not in shown


def test_all_symbols_are_asked_for_as_grafana_writes_it(client: FlaskClient, prometheus: FakePrometheus) -> None:
    settled(client, f"{OVERVIEW}?var-symbol=$__all")
    assert 'sum(cdb_signals_generated_total{symbol=~".*"})' in prometheus.queries()


def test_a_choice_leads_to_grafanas_address(client: FlaskClient) -> None:
    reply = client.get(f"{OVERVIEW}?range=6h&from=now-15m&to=now&refresh=5s&var-symbol=BTCUSDT")
    assert reply.status_code == 302
    assert reply.location == f"{OVERVIEW}?from=now-6h&to=now&refresh=5s&var-symbol=BTCUSDT"


def test_a_page_asks_again_as_often_as_its_address_says(client: FlaskClient) -> None:
    assert '<body data-refresh="30">' in settled(client, f"{OVERVIEW}?refresh=30s")
    assert '<body data-refresh="10">' in settled(client, OVERVIEW)  # the dashboard's own
    assert "<body>" in settled(client, f"{OVERVIEW}?refresh=off")


def test_fifty_readers_of_the_same_cost_one_question_a_step(
    ground: Ground, prometheus: FakePrometheus, clock: SettableClock
) -> None:
    app = create_app(ground)
    settled(app.test_client(), f"{HEALTH}?refresh=5s")
    once = len(prometheus.asked)
    clock.now += 4 * SECOND
    with ThreadPoolExecutor(8) as readers:
        assert len({*readers.map(lambda _: panels(settled(app.test_client(), f"{HEALTH}?refresh=5s")), range(50))}) == 1
    assert len(prometheus.asked) == once
    clock.now += SECOND
    settled(app.test_client(), f"{HEALTH}?refresh=5s")
    assert len(prometheus.asked) == 2 * once


def test_a_server_that_is_away_is_named_in_every_panel(client: FlaskClient, prometheus: FakePrometheus) -> None:
    prometheus.away = True
    shown = settled(client, HEALTH)
    why = "Prometheus at http://fake does not answer: nobody listens"
    panels = len(BOARDS["cdb-system-health"].panels)
    assert shown.count(f'<p class="said problem">{why}</p>') == panels
    assert "nothing is refused" not in shown


def test_what_was_known_stays_with_its_age(
    client: FlaskClient, prometheus: FakePrometheus, clock: SettableClock
) -> None:
    before = settled(client, HEALTH)
    prometheus.away = True
    clock.now += 60 * SECOND
    after = settled(client, HEALTH)
    assert part(after, 4) == part(before, 4)
    assert "does not answer: nobody listens. These figures are 60.0 s old." in after


def test_a_panel_that_fails_says_why_in_its_place_and_no_other(client: FlaskClient, prometheus: FakePrometheus) -> None:
    prometheus.refused = "redis_used_memory_bytes"
    shown = settled(client, HEALTH)
    assert shown.count("told to refuse") == 1
    assert "told to refuse" in part(
        shown, [panel.title for panel in BOARDS["cdb-system-health"].shown].index("Redis Memory (MB)")
    )


def test_without_data_a_panel_says_so(client: FlaskClient, prometheus: FakePrometheus) -> None:
    prometheus.names = ()
    shown = settled(client, "/d/cdb-account-performance")
    assert '<p class="said">not enough data</p>' in shown
    assert "<script type" not in part(shown, 8)
    assert '<p class="said">No data</p>' in settled(client, OVERVIEW)


def test_whatever_a_label_says_is_text_on_the_page(client: FlaskClient, prometheus: FakePrometheus) -> None:
    hostile = "</script><script>alert(1)</script>\"'&"
    prometheus.names = (hostile,)
    for uid in BOARDS:
        shown = settled(client, f"/d/{uid}")
        assert "<script>" not in shown
        assert "</script><" not in shown.replace("</script></div>", "").replace("</script>\n", "")
    assert data(settled(client, OVERVIEW), 4)["option"]["series"][0]["name"] == hostile


def test_points_of_a_histogram_lead_to_their_traces(client: FlaskClient) -> None:
    shown = settled(client, HEALTH)
    found = data(shown, 1)["option"]
    (series,) = [one for one in found["series"] if one["id"] == "traces"]
    assert series["data"] == [{"value": [1_699_999_940_000.0, 0.25], "trace": TRACE, "was": 0.25}]
    assert f'<a href="/traces/{TRACE}">250 ms</a>' in part(shown, 1)
    assert found["yAxis"] == {"type": "log", "min": 0.1, "max": 10.0}
    assert "traces" not in {one["id"] for one in data(shown, 2)["option"]["series"]}


def test_what_is_no_trace_is_no_link(client: FlaskClient, prometheus: FakePrometheus) -> None:
    prometheus.trace = "../logout"
    assert "logout" not in settled(client, HEALTH)


def test_a_panel_whose_traces_are_not_told_has_its_curves(client: FlaskClient, prometheus: FakePrometheus) -> None:
    prometheus.trace = ""
    assert len(data(settled(client, HEALTH), 1)["option"]["series"]) == len(SYMBOLS) + 1


def test_a_gap_in_the_figures_is_a_gap_in_the_line(client: FlaskClient, prometheus: FakePrometheus) -> None:
    prometheus.gap = True
    (first, *_) = data(settled(client, OVERVIEW), 4)["option"]["series"]
    assert [value for _, value in first["data"]].count(None) == 1


def test_a_runbook_is_linked_and_what_only_grafana_has_is_not(client: FlaskClient) -> None:
    shown = settled(client, HEALTH)
    assert '<a href="/runbooks/ServiceDown">Runbook: ServiceDown</a>' in part(shown, 0)
    assert "/explore" not in shown
    assert "19090" not in shown


def test_a_page_that_is_asked_for_again_has_no_style_of_its_own(client: FlaskClient) -> None:
    """The policy of the page that is there names another nonce."""
    assert "<style" in settled(client, OVERVIEW)
    assert "<style" not in client.get(OVERVIEW, headers={"X-Refresh": "1"}).get_data(as_text=True)


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_every_panel_has_its_place_on_the_grid(board: Dashboard, client: FlaskClient) -> None:
    shown = settled(client, f"/d/{board.uid}")
    for at, panel in enumerate(board.shown):
        place = panel.grid_pos
        area = f"{place.y + 1} / {place.x + 1} / span {place.h} / span {place.w}"
        assert f"#p{at}-panel {{ grid-area: {area}; }}" in shown


def test_no_reader_waits_for_a_server_that_hangs(client: FlaskClient, prometheus: FakePrometheus) -> None:
    prometheus.hangs = threading.Event()
    try:
        assert "Prometheus has not answered yet" in client.get("/d/cdb-risk-alerts").get_data(as_text=True)
    finally:
        prometheus.hangs.set()


@pytest.mark.parametrize("address", [HEALTH, "/metrics-reference/cdb_equity_usd", "/metrics-reference"])
def test_old_figures_are_a_warning_as_soon_as_newer_ones_are_late(
    client: FlaskClient, prometheus: FakePrometheus, clock: SettableClock, address: str
) -> None:
    settled(client, address)
    prometheus.hangs = threading.Event()
    clock.now += 8 * 60 * SECOND
    try:
        shown = client.get(address).get_data(as_text=True)
    finally:
        prometheus.hangs.set()
    state = re.search(r'<p[^>]*class="warn"[^>]*>(.*?)</p>', shown, re.DOTALL)
    assert state
    assert " ".join(texts(state[1])) == "Prometheus has not answered yet. These figures are 8.0 min old."


def test_figures_that_are_only_being_renewed_are_no_warning(
    client: FlaskClient, prometheus: FakePrometheus, clock: SettableClock
) -> None:
    settled(client, f"{HEALTH}?refresh=10s")
    prometheus.hangs = threading.Event()
    clock.now += 15 * SECOND
    try:
        shown = client.get(f"{HEALTH}?refresh=10s").get_data(as_text=True)
    finally:
        prometheus.hangs.set()
    assert 'class="warn"' not in shown
    assert "newer figures are being asked for" in shown


def test_that_no_alert_fired_is_said_in_words_without_a_length(client: FlaskClient, prometheus: FakePrometheus) -> None:
    at = [panel.title for panel in BOARDS["cdb-risk-alerts"].shown].index("Recent Alerts")
    prometheus.names = ("No alert fired in this time",)
    prometheus.value = 0.0
    said = texts(part(settled(client, "/d/cdb-risk-alerts"), at))
    assert said[-2:] == ["No alert fired in this time", "–"]  # noqa: RUF001
