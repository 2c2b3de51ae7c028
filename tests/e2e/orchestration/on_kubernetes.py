"""Kubernetes: the manifest is valid by Kubernetes' schemas, and the command of its container works"""

import json

from stage import HOPELESS, KEY, PACKAGING, Organisation

MANIFEST = PACKAGING / "kubernetes/cronjob.yaml"
# The first version in which all fields are stable, and the latest that the validator has.
VERSIONS = ["1.31", "1.37"]
# Only this environment has a YAML parser.
TO_JSON = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))"


def run(stage):
    bin = stage.venvs / "kubernetes/bin"
    for version in VERSIONS:
        stage.run(bin / "kubernetes-validate", "--strict", "-k", version, MANIFEST)
    misspelt = stage.folder / "misspelt.yaml"
    misspelt.write_text(MANIFEST.read_text().replace("fsGroup:", "fsGroups:"))
    stage.run(bin / "kubernetes-validate", "--strict", misspelt, code=1)

    _, cronjob = json.loads(stage.run(bin / "python", "-c", TO_JSON, MANIFEST))
    job = cronjob["spec"]["jobTemplate"]["spec"]
    assert set(job["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"]) == HOPELESS
    container = job["template"]["spec"]["containers"][0]

    north = Organisation(stage, "north")
    kept = {"organization-id": "sandbox-organization", "client-id": "sandbox-client", "api-key": KEY}
    environment = {
        entry["name"]: entry["value"] if "value" in entry else kept[entry["valueFrom"]["secretKeyRef"]["key"]]
        for entry in container["env"]
    }
    stage.environment |= {f"TAP_TOGETHER_{name.upper()}": str(value) for name, value in north.settings.items()}
    stage.environment |= environment | {"TAP_TOGETHER_STATE_DIR": str(north.folder / "ledger")}
    # Paths of the container become paths of the stage, and target-postgres becomes target-jsonl.
    places = {
        "/state/state.json": str(north.state),
        "/secrets/target.json": str(north.folder / "target.json"),
        "target-postgres": "target-jsonl",
    }
    words = [places.get(word, word) for word in container["command"] + container["args"]]
    stage.run(*words)
    first = north.holds(1)
    stage.run(*words)
    assert north.holds(2) > first
