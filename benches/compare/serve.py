"""Answers every GET request with one file, as the API answers with a report. Prints its port first.

`serve.py FILE [plain|chunked|gzip]`: the file holds the encoded body, so that serving it costs almost nothing.
"""

import http.server
import os
import sys

FILE, TRANSPORT = sys.argv[1:]


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        if TRANSPORT == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(os.path.getsize(FILE)))
        if TRANSPORT == "gzip":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        with open(FILE, "rb") as body:
            self.wfile.flush()
            self.connection.sendfile(body)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
print(server.server_port, flush=True)
server.serve_forever()
