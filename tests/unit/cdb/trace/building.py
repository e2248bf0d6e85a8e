"""Traces made by hand. Times are microseconds after an arbitrary moment."""

from cdb.trace.model import Span, Trace, Value

ZERO = 1_795_000_000_000_000
ID = "98e1ccb36de61d3fb39a380b12ba0513"


def span(name: str, start: int, end: int, *, below: str = "", service: str = "cdb_risk", **attributes: Value) -> Span:
    """A span whose id is its name; `a__b` among *attributes* is `a.b`."""
    said = {key.replace("__", "."): value for key, value in attributes.items()}
    return Span(
        span_id=name, parent_id=below, service=service, name=name, start_us=ZERO + start, duration_us=end - start,
        attributes=said,
    )  # fmt: skip


def sending(stream: str, start: int, end: int, *, below: str, service: str = "cdb_core") -> Span:
    said = {"span__kind": "producer", "messaging__destination__name": stream}
    return span(f"send {stream}", start, end, below=below, service=service, **said)


def trace(*spans: Span) -> Trace:
    return Trace(ID, spans)


WHOLE = trace(
    span("signal.generate", 0, 300, service="cdb_core"),
    sending("signals", 300, 1_000, below="signal.generate"),
    span("process signals", 5_000, 310_000, below="send signals", span__kind="consumer"),
    span("risk.decide", 6_000, 309_000, below="process signals", cdb__verdict="approved", cdb__symbol="BTCUSDT"),
    span("risk.read_state", 6_000, 306_000, below="risk.decide", cdb__kept="slow"),
    span("risk.layer", 306_000, 306_010, below="risk.decide", cdb__layer=1, cdb__result="passed"),
    span("risk.write", 306_500, 309_000, below="risk.decide"),
    sending("orders", 309_200, 309_800, below="risk.decide", service="cdb_risk"),
    span("process orders", 312_000, 320_000, below="send orders", service="cdb_execution"),
    span("order.execute", 312_100, 319_000, below="process orders", service="cdb_execution"),
)
"""A slow decision from its signal to its fill: it waited 4 ms on the bus, was read for 300, its order waited for 2."""
