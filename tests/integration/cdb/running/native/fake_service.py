"""A service with nothing but /health on CDB_WS_PORT; it is unhealthy while the file named by its argument exists."""

import http.server
import os
import sys
from pathlib import Path


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers every GET like one of our services."""

    def do_GET(self) -> None:
        self.send_response(503 if Path(sys.argv[1]).exists() else 200)
        self.end_headers()
        self.wfile.write(b'{"checks": {"ledger": "away", "loop": "ok"}}')

    def log_message(self, *_: object) -> None:
        pass


sys.stdout.write("the service listens\n")
sys.stdout.flush()
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["CDB_WS_PORT"])), Handler).serve_forever()
