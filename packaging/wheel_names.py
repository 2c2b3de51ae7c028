"""Checks the names of the wheels of all released Linux targets: no duplicate, and the tag fits processor and libc.

Also checks that an installer on this machine accepts only the wheel for this machine's processor and libc.

maturin builds each wheel with the release's own command. A stub replaces cargo: it compiles an empty C program for the
target with zig, because this machine may not have the target's standard library. Usage: wheel_names.py
"""

import json
import os
import platform
import re
import subprocess
import sys
import tempfile

from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
TAGS = {"x86_64-unknown-linux-gnu": "manylinux2014_x86_64", "aarch64-unknown-linux-gnu": "manylinux2014_aarch64"}
TAGS |= {"x86_64-unknown-linux-musl": "musllinux_1_2_x86_64", "aarch64-unknown-linux-musl": "musllinux_1_2_aarch64"}


def stub(arguments):
    """Acts as `cargo`; a build makes an empty program."""
    cargo = os.environ["REAL_CARGO"]
    if not {"build", "rustc"} & set(arguments):
        os.execvp(cargo, [cargo, *arguments])
    processor, _, _, libc = os.environ["CARGO_BUILD_TARGET"].split("-")
    folder = os.environ["STUB_FOLDER"]
    source, program = os.path.join(folder, "stub.c"), os.path.join(folder, "tap-together")
    with open(source, "w") as file:
        file.write("int main(void) { return 0; }\nvoid _start(void) {}\n" if libc == "musl" else "int main(void) { return 0; }\n")
    version, static = {"gnu": (".2.17", []), "musl": ("", ["-static", "-nostdlib"])}[libc]
    compile = [sys.executable, "-m", "ziglang", "cc", "-target", f"{processor}-linux-{libc}{version}", *static]
    subprocess.run([*compile, source, "-o", program], check=True)
    metadata = [cargo, "metadata", "--locked", "--no-deps", "--format-version", "1", "--manifest-path", os.path.join(ROOT, "Cargo.toml")]
    package = json.loads(subprocess.run(metadata, check=True, capture_output=True).stdout)["packages"][0]
    profile = {"opt_level": "3", "debuginfo": 0, "debug_assertions": False, "overflow_checks": False, "test": False}
    artifact = {"reason": "compiler-artifact", "package_id": package["id"], "manifest_path": package["manifest_path"]}
    artifact |= {"target": next(one for one in package["targets"] if "bin" in one["kind"]), "profile": profile}
    artifact |= {"features": [], "filenames": [program], "executable": program, "fresh": False}
    print(json.dumps(artifact))
    print(json.dumps({"reason": "build-finished", "success": True}))


def wheel(target, folder):
    """Builds the wheel for `target`; returns its name."""
    cargo = os.path.join(folder, "cargo")
    with open(cargo, "w") as file:
        file.write(f'#!/bin/sh\nexec "{sys.executable}" "{os.path.realpath(__file__)}" --stub "$@"\n')
    os.chmod(cargo, 0o755)
    environment = {**os.environ, "CARGO_BUILD_TARGET": target, "STUB_FOLDER": folder, "REAL_CARGO": "cargo"}
    command = f'. packaging/environment && CARGO="{cargo}" build_wheel "{folder}/dist" 2>/dev/null'
    subprocess.run(["bash", "-ec", command], cwd=ROOT, env=environment, check=True)
    (name,) = os.listdir(f"{folder}/dist")
    return name


def main():
    with open(os.path.join(ROOT, ".github/workflows/release.yml")) as file:
        targets = sorted(set(re.findall(r"[a-z0-9_]+-unknown-linux-[a-z]+", file.read())))
    assert targets == sorted(TAGS), f"the release workflow builds {targets}"
    libc = "gnu" if platform.libc_ver()[0] == "glibc" else "musl"
    ours = f"{platform.machine()}-unknown-linux-{libc}"
    names = []
    for target in targets:
        with tempfile.TemporaryDirectory() as folder:
            names.append(wheel(target, folder))
        assert names[-1].count(TAGS[target]) == 1, f"the wheel for {target} is {names[-1]}"
        other = "musllinux" if target.endswith("gnu") else "manylinux"
        assert other not in names[-1], f"the wheel for {target} is {names[-1]}"
        accepted = bool(parse_wheel_filename(names[-1])[3] & set(sys_tags()))
        assert accepted == (target == ours), f"an installer on {ours} accepts {names[-1]}: {accepted}"
        print(f"{target}: {names[-1]}, {'accepted' if accepted else 'refused'} on this machine")
    assert len(set(names)) == len(names), f"two wheels have the same name: {names}"


if sys.argv[1:2] == ["--stub"]:
    stub(sys.argv[2:])
else:
    main()
