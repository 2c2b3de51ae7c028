"""Answers every GET with one file, as the API answers with a report: `serve.py FILE PORT`."""

import http.server
import os
import sys


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(os.path.getsize(sys.argv[1])))
        self.end_headers()
        with open(sys.argv[1], "rb") as body:
            self.wfile.flush()
            self.connection.sendfile(body)


http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Answer).serve_forever()
