"""The API on loopback: each organisation has one report. Counts the requests and can stop in the middle of a response."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Api:
    def __init__(self):
        self.reports, self.requests, self.holds = {}, {}, {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def hold(self, organization):
        """The next response to the organisation stops in its middle; the event is set then."""
        self.holds[organization] = threading.Event()
        return self.holds[organization]

    def handler(api):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                organization = self.path.split("/")[2]
                api.requests[organization] = api.requests.get(organization, 0) + 1
                body = json.dumps({"report": api.reports[organization]}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                held = api.holds.pop(organization, None)
                try:
                    if held:
                        self.wfile.write(body[: len(body) // 2])
                        held.set()
                        # The client is killed: its end of the connection closes.
                        self.rfile.read(1)
                        self.close_connection = True
                    else:
                        self.wfile.write(body)
                except ConnectionError:
                    self.close_connection = True

            def log_message(self, *_):
                pass

        return Handler
