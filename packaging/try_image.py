"""Runs the tap in a root that holds what a container holds: the binary with its libraries, a volume, the engine's files.

As user 65532, without /tmp, /proc, shell or user database, in a network of its own with one name server and one
https server. Usage, as root: unshare --net --mount python3 try_image.py BINARY
"""

import http.server
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

USER = 65532
HOST = "api.example.com"
with open(os.path.join(os.path.dirname(__file__), "Dockerfile")) as file:
    IMAGE = dict(re.findall(r"(\w+)=(\S+)", re.search("^ENV (.*)", file.read(), re.M)[1]))
KEY = {"TAP_TOGETHER_ORGANIZATION_ID": "o-1", "TAP_TOGETHER_CLIENT_ID": "c-1", "TAP_TOGETHER_API_KEY": "canary-key-1"}
DEVICES = ["/dev/random", "/dev/urandom"]
ROOTS = "etc/ssl/certs/ca-certificates.crt"


def build(root, binary):
    """The image, and what an engine mounts into it."""
    libraries = re.findall(r"(/\S+) \(0x", subprocess.run(["ldd", binary], capture_output=True, text=True).stdout)
    for library in libraries:
        os.makedirs(os.path.dirname(root + library), exist_ok=True)
        shutil.copy(library, root + library)
    shutil.copy(binary, os.path.join(root, "tap-together"))
    for folder in ("state", "dev", os.path.dirname(ROOTS)):
        os.makedirs(os.path.join(root, folder))
    os.chmod(os.path.join(root, "state"), 0o700)
    os.chown(os.path.join(root, "state"), USER, USER)
    for device in DEVICES:
        open(root + device, "w").close()
        subprocess.run(["mount", "--bind", device, root + device], check=True)
    with open(os.path.join(root, "etc/resolv.conf"), "w") as file:
        file.write("nameserver 127.0.0.1\n")


def answer_names():
    """Every name has the address 127.0.0.1, and no other record."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))

    def serve():
        while True:
            query, asker = server.recvfrom(512)
            question = query[12 : query.index(b"\0", 12) + 5]
            found = question[-4:-2] == b"\0\1"
            head = query[:2] + b"\x81\x80\0\1" + bytes([0, found]) + bytes(4)
            record = b"\xc0\x0c\0\1\0\1" + bytes(4) + b"\0\4\x7f\0\0\1"
            server.sendto(head + question + record * found, asker)

    threading.Thread(target=serve, daemon=True).start()


class Report(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"report":"Id,Name\\n1,One\\n"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve_https(folder):
    """Returns the address, and the certificate to trust."""
    certificate, key = os.path.join(folder, "certificate.pem"), os.path.join(folder, "key.pem")
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={HOST}"]
    more = ["-addext", f"subjectAltName=DNS:{HOST}", "-addext", "basicConstraints=CA:FALSE", "-out", certificate, "-keyout", key]
    subprocess.run(make + more, check=True, capture_output=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Report)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"https://{HOST}:{server.server_port}", certificate


def try_tap(root, url, certificate):
    def tap(expected, *arguments):
        command = ["chroot", f"--userspec={USER}:{USER}", root, "/tap-together", *arguments]
        environment = {"PATH": os.environ["PATH"], **IMAGE, **KEY, "TAP_TOGETHER_BASE_URL": url}
        run = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert run.returncode == expected, (arguments, run.returncode, run.stderr)
        return run.stdout, run.stderr

    rows = 40_000
    messages, _ = tap(0, "--sandbox", "--rows", str(rows), "--data", "nasty")
    assert messages.count('{"type":"RECORD"') == 3 * rows
    print(f"image: three reports of {rows} rows, each more than is kept in memory")

    _, log = tap(69, "--test", "--config", "ENV", "--assume-idle")
    assert "certificate" in log, log
    print("image: with the roots in the binary, a certificate that nobody signed is refused")

    ledger = root + IMAGE["TAP_TOGETHER_STATE_DIR"]
    shutil.rmtree(ledger)
    shutil.copy(certificate, os.path.join(root, ROOTS))
    tap(0, "--test", "--config", "ENV", "--assume-idle")
    assert os.stat(ledger).st_uid == USER and os.listdir(ledger)
    print("image: with the system's roots, the server is found, trusted and asked, and the ledger kept")


def main():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    answer_names()
    with tempfile.TemporaryDirectory() as folder:
        url, certificate = serve_https(folder)
        root = os.path.join(folder, "root")
        os.mkdir(root)
        try:
            build(root, sys.argv[1])
            try_tap(root, url, certificate)
        finally:
            subprocess.run(["umount", *(root + device for device in DEVICES)], check=False)


main()
