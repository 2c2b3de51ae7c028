"""Secrets: every snippet of docs/secrets.md, with substitutes for the programs of the secrets managers"""

import json
import re

from stage import KEY, PACKAGING

DOC = PACKAGING.parent / "docs/secrets.md"
# Prints the key; with `--`, runs the command after it with the key in its environment. The key is in the variable `SECRET`.
STAND_IN = """#!/bin/sh
set -eu
for word; do
  if [ "$word" = -- ]; then
    until [ "$1" = -- ]; do shift; done
    shift
    TAP_TOGETHER_API_KEY=$SECRET exec "$@"
  fi
done
printf '%s\\n' "$SECRET"
"""


def run(stage):
    snippets = re.findall(r"```(json|sh)\n(.*?)```", DOC.read_text(), re.DOTALL)
    for name in ["doppler", "aws", "gcloud", "op", "vault"]:
        (stage.bin / name).write_text(STAND_IN)
        (stage.bin / name).chmod(0o700)
        assert any(name in text for _, text in snippets), f"no snippet has {name}"
    stage.environment |= {
        "TAP_TOGETHER_ORGANIZATION_ID": "sandbox-organization",
        "TAP_TOGETHER_CLIENT_ID": "sandbox-client",
        "TAP_TOGETHER_BASE_URL": stage.sandbox(),
        "TAP_TOGETHER_REQUEST_INTERVAL_SECONDS": "0.5",
        "TAP_TOGETHER_STATE_DIR": str(stage.folder / "ledger"),
    }
    for kind, text in snippets:
        command, mounted = tested(stage, kind, text)
        works(stage, command, mounted)


def tested(stage, kind, text):
    """Returns the command that tests the credentials with this snippet, and the file that it needs to be mounted."""
    if kind == "sh":
        return ["sh", "-ec", text.strip() + " --test"], None
    config = json.loads(text)
    mounted = None
    if "api_key_file" in config:
        mounted = stage.folder / config["api_key_file"].lstrip("/")
        config["api_key_file"] = str(mounted)
    file = stage.folder / "config.json"
    file.write_text(json.dumps(config))
    file.chmod(0o600)
    return ["tap-together", "--config", file, "--test"], mounted


def works(stage, command, mounted):
    """Tests with the right key and a wrong one; the wrong one must be refused, so the key comes from the snippet."""
    for key, code in [(KEY, 0), ("no-key", 77)]:
        if mounted:
            mounted.parent.mkdir(parents=True, exist_ok=True)
            mounted.write_text(key + "\n")
        stage.run(*command, code=code, SECRET=key)
    if mounted:
        mounted.unlink()
