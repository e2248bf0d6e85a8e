"""Which names opentelemetry-exporter-prometheus gives to our metrics, as it says itself."""

from opentelemetry.sdk.metrics import MeterProvider

from telemetry.contract import Contract
from telemetry.recorder import Recorder
from telemetry.stock_page import StockPage
from telemetry.tracing import SCOPE


def stock_names(contract: Contract) -> dict[str, str]:
    """The name on its page by our name; without the _bucket, _count and _sum of histograms."""
    recorder, page = Recorder(contract, recording="sdk"), StockPage()
    provider = MeterProvider([page], views=recorder.views(), shutdown_on_exit=False)
    recorder.start(provider.get_meter(SCOPE), service=None)
    for metric in contract.metrics:
        labels = ("other",) * len(metric.labels)
        if metric.type == "counter":
            recorder.counter(metric.prometheus).bind(labels).inc(1)
        elif metric.type == "gauge":
            recorder.gauge(metric.prometheus).bind(labels).set(1)
        else:
            recorder.histogram(metric.prometheus).bind(labels).observe(1)
    families = {family.documentation: family for family in page.families()}
    provider.shutdown()
    ours = {metric.brief: metric.prometheus for metric in contract.metrics}
    return {
        name: families[brief].name + ("_total" if families[brief].type == "counter" else "")
        for brief, name in ours.items()
    }
