"""Context manager for a report on disk and a server on loopback that sends it."""

import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import generate

HERE = Path(__file__).parent
STREAM = "user_report"
CATALOG = {"streams": [{"stream": STREAM, "tap_stream_id": STREAM, "schema": {}, "metadata": []}]}


@dataclass(frozen=True)
class Workload:
    folder: Path
    url: str
    csv: Path
    body: Path

    def tap(self, binary):
        """The command line of our tap."""
        return [binary, "--config", self.folder / "config.json", "--catalog", self.folder / "catalog.json", "--assume-idle"]


@contextlib.contextmanager
def served(shape, size, folder):
    """A report of `size` bytes in a new folder."""
    folder.mkdir()
    csv, body = folder / "report.csv", folder / "body.json"
    generate.write(shape, size, csv, body)
    server = subprocess.Popen([sys.executable, HERE / "serve.py", body, shape.transport], stdout=subprocess.PIPE)
    try:
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        config = {
            "organization_id": "o",
            "client_id": "c",
            "api_key": "benchmark-key",
            "base_url": url,
            "request_interval_seconds": 0.1,
            "state_dir": str(folder / "state"),
            **shape.settings,
        }
        for name, value in (("config", config), ("catalog", CATALOG)):
            path = folder / f"{name}.json"
            path.touch(mode=0o600)
            path.write_text(json.dumps(value))
        yield Workload(folder, url, csv, body)
    finally:
        server.kill()
        server.wait()
