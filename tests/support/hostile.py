"""A shell that somebody else has filled: variables of other programs, as they are exported on real machines."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

DEAD: Final = "http://127.0.0.1:9"
"""A proxy that nobody answers for: no program listens on the port `discard`."""

PROXIES: Final = {
    name: DEAD for scheme in ("http", "https", "all", "grpc") for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY")
}
LIBPQ: Final = {
    "PGHOST": "127.0.0.2",
    "PGHOSTADDR": "127.0.0.2",
    "PGPORT": "1",
    "PGUSER": "somebody",
    "PGDATABASE": "other",
    "PGPASSWORD": "theirs",
    "PGPASSFILE": "/nonexistent",
    "PGSERVICE": "theirs",
    "PGSERVICEFILE": "/nonexistent",
    "PGSSLMODE": "require",
    "PGSSLROOTCERT": "system",
    "PGSSLCERT": "/nonexistent",
    "PGSSLMINPROTOCOLVERSION": "x",
    "PGGSSENCMODE": "require",
    "PGREQUIREAUTH": "none",
    "PGCHANNELBINDING": "require",
    "PGREQUIREPEER": "somebody",
    "PGCLIENTENCODING": "x",
    "PGTARGETSESSIONATTRS": "standby",
    "PGLOADBALANCEHOSTS": "x",
    "PGOPTIONS": "-c default_transaction_read_only=on",
    "PGCONNECT_TIMEOUT": "x",
    "PGDATESTYLE": "German",
    "PGTZ": "Asia/Tokyo",
    "PGGEQO": "x",
    "PGAPPNAME": "theirs",
}
OTEL: Final = {
    "OTEL_SDK_DISABLED": "true",
    "OTEL_SERVICE_NAME": "theirs",
    "OTEL_RESOURCE_ATTRIBUTES": "service.name=theirs,service.instance.id=theirs",
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "x",
    "OTEL_PROPAGATORS": "x",
    "OTEL_PYTHON_CONTEXT": "x",
    "OTEL_PYTHON_TRACER_PROVIDER": "x",
    "OTEL_PYTHON_METER_PROVIDER": "x",
    "OTEL_PYTHON_ID_GENERATOR": "x",
    "OTEL_TRACES_SAMPLER": "always_off",
    "OTEL_METRICS_EXEMPLAR_FILTER": "x",
    "OTEL_METRIC_EXPORT_INTERVAL": "x",
    "OTEL_METRIC_EXPORT_TIMEOUT": "x",
    "OTEL_BSP_EXPORT_TIMEOUT": "x",
    "OTEL_ATTRIBUTE_COUNT_LIMIT": "0",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "abc",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "1",
    "OTEL_EXPORTER_OTLP_ENDPOINT": DEAD,
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": DEAD,
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer theirs",
    "OTEL_EXPORTER_OTLP_INSECURE": "false",
    "OTEL_EXPORTER_OTLP_CERTIFICATE": "/nonexistent",
    "OTEL_EXPORTER_OTLP_COMPRESSION": "zstd",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "10s",
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": "base2_exponential_bucket_histogram",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup",
    "OTEL_PYTHON_FLASK_EXCLUDED_URLS": ".*",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask,psycopg2",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": "/nonexistent",
    "GRPC_DNS_RESOLVER": "x",
}
FOREIGN: Final = {
    **PROXIES,
    **LIBPQ,
    **OTEL,
    "LC_ALL": "de_DE.UTF-8",
    "LANG": "tr_TR.ISO-8859-9",
    "TMPDIR": "/nonexistent",
    "PIP_USER": "1",
    "PYTHONPATH": "/nonexistent",
    "PYTHONOPTIMIZE": "2",
    "LD_LIBRARY_PATH": "/nonexistent",
    "GOMAXPROCS": "x",
    "GF_SERVER_HTTP_PORT": "1",
    "DATA_SOURCE_NAME": "postgresql://theirs",
    "REDIS_ADDR": "redis://theirs",
    "JAEGER_ENDPOINT": DEAD,
    "AWS_SECRET_ACCESS_KEY": "hush",
}
"""None of these is documented, so none has an effect."""


def german_locale(folder: Path) -> dict[str, str]:
    """Variables of a shell with a decimal comma. Where the locale cannot be built, its name alone has no effect."""
    if shutil.which("localedef"):
        command = ["localedef", "--no-archive", "-i", "de_DE", "-f", "UTF-8", str(folder / "de_DE.UTF-8")]
        folder.mkdir()
        subprocess.run(command, capture_output=True, check=False)
    return {"LOCPATH": str(folder), "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"}
