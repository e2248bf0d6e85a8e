"""Trades without a ledger: what may be asked for, and what is said while it is away."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from services.clock import WallClock
from tests.support.consoles import client_of, ground_of


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    return client_of(ground_of(tmp_path, WallClock()))


@pytest.mark.parametrize("path", ["/trades", "/trades.csv"])
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"range": "9d"}, "range must be one of 24h, 7d, 30d, all; got '9d'"),
        ({"cause": "luck"}, "cause must be one of "),
        ({"before": "0"}, "before must be a whole number from 1 to "),
        ({"before": "x"}, "before must be a whole number from 1 to "),
        ({"symbol": "a b"}, "symbol must be up to 40 printable ASCII characters without a space"),
        ({"symbol": "x" * 41}, "symbol must be up to 40 printable ASCII characters without a space"),
        ({"strategy": "\x00"}, "strategy must be up to 40 printable ASCII characters without a space"),
        ({"strategy": "é"}, "strategy must be up to 40 printable ASCII characters without a space"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(
    client: FlaskClient, path: str, asked: dict[str, str], said: str
) -> None:
    answer = client.get(path, query_string=asked)
    assert answer.status_code == 400
    text = answer.get_data(as_text=True).replace("&#39;", "'")
    assert said in text
    assert "SELECT" not in text


def test_while_the_ledger_is_away_the_page_says_so_and_keeps_the_filters(client: FlaskClient) -> None:
    answer = client.get("/trades?symbol=BTCUSDT&range=7d")
    shown = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "PostgreSQL: " in shown
    assert "<option selected>BTCUSDT</option>" in shown
    assert "<option selected>7d</option>" in shown


def test_no_file_of_nothing_is_sent_while_the_ledger_is_away(client: FlaskClient) -> None:
    assert client.get("/trades.csv").status_code == 503


def test_a_name_from_the_address_is_text_on_the_page(client: FlaskClient) -> None:
    shown = client.get("/trades", query_string={"symbol": "<script>alert(1)</script>\"'&"}).get_data(as_text=True)
    assert "<script>alert" not in shown
