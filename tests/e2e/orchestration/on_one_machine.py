"""systemd and cron: the units are valid, their command and the line for the crontab work, a state is kept; run reports"""

import json
import re
import shlex
import shutil
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from stage import HOPELESS, KEY, PACKAGING, Organisation

UNITS = PACKAGING / "systemd"
DOC = PACKAGING.parent / "docs/orchestrators.md"


def run(stage):
    systemd(stage)
    cron(stage)
    monitoring(stage)


class Receiver(BaseHTTPRequestHandler):
    """Keeps the path and the JSON of each request in `seen`."""

    seen = []

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.path, json.loads(body) if body else None))
        self.send_response(200)
        self.end_headers()

    do_GET = do_POST = answer

    def log_message(self, *_):
        """Is silent."""


def monitoring(stage):
    """The lines for Prometheus, a health check and Slack, after a sync that succeeds and after one that is refused."""
    north = Organisation(stage, "watched")
    more = {"state_dir": str(north.folder / "ledger"), "run_report": str(north.folder / "report.json")}
    config(north, north.folder / "config.json", api_key=KEY, **more)
    config(north, north.folder / "refused.json", api_key="no-key-of-this-organisation", **more)
    recipe = re.search(r"```sh\n(jq .*?)```", DOC.read_text(), re.DOTALL)[1]
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    for name, code in [("config", 0), ("refused", 77)]:
        sync = f'cd "{north.folder}" && tap-together --config {name}.json'
        stage.run("sh", "-c", f"{sync} >messages 2>log", code=code)
        stage.run("sh", "-ec", f'cd "{north.folder}"\n{recipe}', PING_URL=f"{url}/ping", SLACK_URL=f"{url}/slack")
        metrics = (north.folder / "together.prom").read_text()
        assert f"together_exit_code {code}\n" in metrics and "together_start_seconds 1" in metrics, metrics
        (ping, _), (slack, message) = Receiver.seen[-2:]
        assert (ping, slack) == (f"/ping/{code}", "/slack"), Receiver.seen
        assert message["text"].startswith(f"together: exit code {code}, "), message
        if code == 0:
            assert 'together_rows{stream="user_report"} 2\n' in metrics and " 6 rows" in message["text"], (metrics, message)
        else:
            assert "HTTP 401" in message["text"] or "refused" in message["text"], message
    server.shutdown()
    for name in ("config", "refused"):
        (north.folder / f"{name}.json").unlink()


def config(organisation, path, **more):
    path.write_text(json.dumps({**organisation.settings, "client_id": "sandbox-client", **more}))
    path.chmod(0o600)


def systemd(stage):
    north = Organisation(stage, "north")
    etc, credentials, library = (stage.folder / name for name in ("etc", "credentials", "lib"))
    for folder in (etc, credentials, library / "together/north"):
        folder.mkdir(parents=True)
    config(north, etc / "north.json")
    (credentials / "api_key").write_text(KEY + "\n")
    shutil.copy(north.folder / "target.json", credentials)
    places = {
        "/usr/local/bin/tap-together": str(stage.bin / "tap-together"),
        "/usr/local/bin/target-postgres": str(stage.bin / "target-jsonl"),
    }
    service = (UNITS / "together@.service").read_text()
    for place, ours in places.items():
        service = service.replace(place, ours)
    # The files are named after the template, of which `together@north` is an instance.
    verified = stage.folder / "units"
    verified.mkdir()
    (verified / "together@.service").write_text(service)
    shutil.copy(UNITS / "together@.timer", verified)
    units = [verified / f"together@north.{kind}" for kind in ("service", "timer")]
    stage.run("systemd-analyze", "verify", "--man=no", *units)

    def setting(name):
        return re.search(rf"^{name}=(.*)$", service, re.MULTILINE)[1]

    assert {int(code) for code in setting("RestartPreventExitStatus").split()} == HOPELESS
    specifiers = {"%i": "north", "%S": str(library), "%d": str(credentials), "/etc/together": str(etc)}

    def resolved(line):
        for specifier, value in specifiers.items():
            line = line.replace(specifier, value)
        return shlex.split(line)

    environment = dict(variable.split("=", 1) for variable in resolved(setting("Environment")))
    command = resolved(setting("ExecStart"))
    north.state = library / "together/north/state.json"
    stage.run(*command, **environment)
    first = north.holds(1)
    stage.run(*command, **environment)
    assert north.holds(2) > first


def cron(stage):
    south = Organisation(stage, "south")
    config(south, south.folder / "config.json", api_key=KEY, state_dir=str(south.folder / "ledger"))
    line = re.search(r"```cron\n15 5 \* \* \* (.*)\n```", DOC.read_text())[1]
    line = line.replace("/srv/together", str(south.folder)).replace("target-postgres", "target-jsonl")
    assert stage.run("sh", "-c", line) == "", "a run that succeeds sends no mail"
    south.holds(1)
    (south.folder / "state.json").write_text("")
    mail = stage.run("sh", "-c", line)
    assert mail.startswith("CRITICAL cannot use the state in") and mail.count("\n") == 1, mail
    # The config has the key.
    (south.folder / "config.json").unlink()
    shutil.rmtree(stage.folder / "credentials")
