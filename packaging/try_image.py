"""Tests the image in containers: read-only root, no capability, no new privileges, a volume, the network of the caller.

It starts a name server and an https server, so the caller must run it in new namespaces for network and mounts.
Usage, as root: unshare --net --mount python3 try_image.py BINARY ROOT CONFIG VERSION. ROOT is the file system of the image,
and CONFIG is the output of `buildah inspect`.
"""

import contextlib
import http.server
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

USER = (65532, 0)
# Some platforms choose any user and group 0.
OTHER_USER = (1_000_730_000, 0)
HOST = "api.example.com"
KEY = {"TAP_TOGETHER_ORGANIZATION_ID": "o-1", "TAP_TOGETHER_CLIENT_ID": "c-1", "TAP_TOGETHER_API_KEY": "canary-key-1"}
ROOTS = "/etc/ssl/certs/ca-certificates.crt"
TERMINATED = 128 + 15


def serve_dns():
    """Starts a name server that gives every name the address 127.0.0.1, and no other record."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))

    def serve():
        while True:
            query, client = server.recvfrom(512)
            question = query[12 : query.index(b"\0", 12) + 5]
            found = question[-4:-2] == b"\0\1"
            head = query[:2] + b"\x81\x80\0\1" + bytes([0, found]) + bytes(4)
            record = b"\xc0\x0c\0\1\0\1" + bytes(4) + b"\0\4\x7f\0\0\1"
            server.sendto(head + question + record * found, client)

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
    """Starts a server of one report; returns its URL and the path of its certificate."""
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


class Image:
    """The image on disk, and its containers, one at a time."""

    def __init__(self, folder, binary, root, config):
        self.folder, self.root, self.config = folder, root, config
        self.runs = 0
        # The shipped binary is static. If this one is not, mount the system's libraries.
        libraries = re.findall(r"(/\S+) \(0x", subprocess.run(["ldd", binary], capture_output=True, text=True).stdout)
        self.mounts = {library: os.path.realpath(library) for library in libraries}
        self.mounts["/etc/resolv.conf"] = os.path.join(folder, "resolv.conf")
        with open(self.mounts["/etc/resolv.conf"], "w") as file:
            file.write("nameserver 127.0.0.1\n")
        for target in self.mounts:
            os.makedirs(os.path.dirname(root + target), exist_ok=True)
            open(root + target, "a").close()

    def volume(self):
        """A new volume with the owner and mode of the image's folder, as a container engine creates it."""
        self.runs += 1
        path = os.path.join(self.folder, f"volume-{self.runs}")
        status = os.stat(self.root + "/state")
        os.mkdir(path)
        os.chmod(path, status.st_mode & 0o7777)
        os.chown(path, status.st_uid, status.st_gid)
        return path

    def start(self, arguments, volume, user=USER, environment=None):
        """Starts a container; returns its name and its process."""
        self.runs += 1
        name = f"tap-together-{os.getpid()}-{self.runs}"
        bundle = os.path.join(self.folder, name)
        os.mkdir(bundle)
        bind = lambda source, target, *more: {"source": source, "destination": target, "type": "bind", "options": ["bind", *more]}
        mounts = [{"destination": "/proc", "type": "proc", "source": "proc"}]
        mounts += [{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]}]
        mounts += [bind(source, target, "ro") for target, source in self.mounts.items()]
        mounts += [bind(volume, "/state", "rw")]
        variables = dict(one.split("=", 1) for one in self.config["Env"]) | (environment or {})
        process = {"args": self.config["Entrypoint"] + arguments, "cwd": self.config.get("WorkingDir") or "/"}
        process |= {"user": {"uid": user[0], "gid": user[1]}, "noNewPrivileges": True, "capabilities": {}}
        process |= {"env": [f"{name}={value}" for name, value in variables.items()]}
        namespaces = [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")]
        specification = {"ociVersion": "1.0.2", "process": process, "root": {"path": self.root, "readonly": True}}
        specification |= {"mounts": mounts, "linux": {"namespaces": namespaces}}
        with open(os.path.join(bundle, "config.json"), "w") as file:
            json.dump(specification, file)
        command = ["crun", "--cgroup-manager=disabled", "run", "--bundle", bundle, name]
        pipe = subprocess.PIPE
        return name, subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def tap(self, expected, *arguments, **options):
        """Runs a container to its end; returns stdout and stderr."""
        options.setdefault("volume", self.volume())
        _, process = self.start(list(arguments), **options)
        out, log = process.communicate(timeout=120)
        assert process.returncode == expected, (arguments, process.returncode, log)
        return out, log

    def terminated(self, *arguments, **options):
        """Checks that SIGTERM ends a container. It is sent repeatedly, because PID 1 ignores it until it has a handler."""
        name, process = self.start(list(arguments), self.volume(), **options)
        for _ in range(80):
            subprocess.run(["crun", "kill", name, "TERM"], capture_output=True)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.25)
                break
        else:
            subprocess.run(["crun", "kill", name, "KILL"], capture_output=True)
            raise AssertionError(f"{arguments} ignores SIGTERM: {process.communicate()}")
        log = process.communicate()[1]
        assert process.returncode == TERMINATED, (arguments, process.returncode, log)


def check_config(config, root, version):
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert (labels["title"], labels["version"], labels["licenses"]) == ("tap-together", version, "Apache-2.0"), labels
    assert config["User"] == f"{USER[0]}:{USER[1]}" and "/state" in config["Volumes"], config
    status = os.stat(root + "/state")
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (*USER, 0o770), status
    print("image: labels, user, volume, /state is 65532:0 with mode 0770")


def try_tap(image, url, certificate):
    api = {**KEY, "TAP_TOGETHER_BASE_URL": url}
    rows = 40_000
    for user in (USER, OTHER_USER):
        messages, _ = image.tap(0, "--sandbox", "--rows", str(rows), user=user)
        assert messages.count('{"type":"RECORD"') == 3 * rows
        print(f"image: user {user[0]}: synced three reports of {rows} rows, each spooled to a file")

    _, log = image.tap(69, "--test", "--config", "ENV", "--assume-idle", environment=api)
    assert "certificate" in log, log
    print("image: a self-signed certificate is refused if only the built-in roots are trusted")

    image.mounts[ROOTS] = certificate
    for user in (USER, OTHER_USER):
        volume = image.volume()
        image.tap(0, "--test", "--config", "ENV", "--assume-idle", environment=api, volume=volume, user=user)
        ledger = os.path.join(volume, "ledger")
        assert os.stat(ledger).st_uid == user[0] and os.listdir(ledger)
        print(f"image: user {user[0]}: `--test` succeeds with mounted roots, and the ledger is in the volume")

    volume = image.volume()
    os.chmod(volume, 0o700)
    _, log = image.tap(74, "--test", "--config", "ENV", environment=api, volume=volume, user=OTHER_USER)
    assert str(OTHER_USER[0]) in log.splitlines()[-1], log
    print(f"image: {log.splitlines()[-1]}")

    waiting = ["--config", "ENV"]
    for arguments in (waiting, ["--test", *waiting], ["--discover", *waiting], ["check"], ["sandbox"]):
        image.terminated(*arguments, environment=api)
    print("image: SIGTERM ends a sync, --test, --discover, check and sandbox as the first process of a container")


def main():
    binary, root, path, version = sys.argv[1:]
    with open(path) as file:
        config = json.load(file)["OCIv1"]["config"]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # crun refuses a machine that has cgroups of both versions mounted. The containers do not use cgroups.
    subprocess.run(["mount", "-t", "cgroup2", "none", "/sys/fs/cgroup"], check=True)
    serve_dns()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        check_config(config, root, version)
        url, certificate = serve_https(folder)
        try_tap(Image(folder, binary, root, config), url, certificate)


main()
