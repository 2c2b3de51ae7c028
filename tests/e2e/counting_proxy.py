"""Passes each GET request on to a server and writes its path to a file, so that a test can count requests at the server's side.

Prints its own address first. Usage: counting_proxy.py URL FILE"""

import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

URL, FILE = sys.argv[1:]


class Proxy(BaseHTTPRequestHandler):
    def do_GET(self):
        with open(FILE, "a") as file:
            print(self.path, file=file)
        try:
            response = urllib.request.urlopen(urllib.request.Request(URL + self.path, headers=dict(self.headers)), timeout=60)
        except urllib.error.HTTPError as error:
            response = error
        body = response.read()
        self.send_response(response.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Proxy)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
