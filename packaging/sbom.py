"""Reduces maturin's SBOM to the crates of one target, and removes the paths of the machine that built the wheel.

maturin lists the crates of all targets and of the tests. Usage: sbom.py SBOM TARGET. It changes the file.
"""

import json
import os
import subprocess
import sys

path, target = sys.argv[1:]
root = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
tree = ["cargo", "tree", "--locked", "--edges", "normal,build", "--target", target, "--prefix", "none", "--format", "{p}"]
lines = subprocess.run(tree, cwd=root, check=True, capture_output=True, text=True).stdout.splitlines()
# A line is `name v1.2.3`; the kind of the crate or its path can follow.
crates = {tuple(line.split()[:2]) for line in lines if line}

with open(path) as file:
    sbom = json.loads(file.read().replace(f"path+file://{root}", "tap-together"))
sbom["components"] = [one for one in sbom["components"] if (one["name"], "v" + one["version"]) in crates]
assert len(sbom["components"]) == len(crates) - 1, "the SBOM lacks crates that `cargo tree` names"
known = {one["bom-ref"] for one in [sbom["metadata"]["component"], *sbom["components"]]}
sbom["dependencies"] = [
    {**one, "dependsOn": [other for other in one.get("dependsOn", []) if other in known]}
    for one in sbom["dependencies"]
    if one["ref"] in known
]
sbom["metadata"]["properties"] = [{"name": "cdx:rustc:sbom:target:triple", "value": target}]
with open(path, "w") as file:
    json.dump(sbom, file, indent=1)
print(f"SBOM: {len(sbom['components'])} crates")
