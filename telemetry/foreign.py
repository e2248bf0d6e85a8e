"""Variables that OpenTelemetry and gRPC would obey, and that are meant for another program of the same shell.

TelemetrySettings alone says what telemetry does. With such a variable exports stop, counters count something else, or
an import fails, and nothing of ours would name it.
"""

import os
from typing import Final

PREFIXES: Final = ("OTEL_", "GRPC_")


def forget() -> None:
    """Remove these variables from the environment of this process."""
    for name in [name for name in os.environ if name.startswith(PREFIXES)]:
        os.environ.pop(name, None)
