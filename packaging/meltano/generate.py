#!/usr/bin/env python3
"""Makes the Meltano plugin definition of what the binary says of itself.

tap-together --about --format json | ./generate.py > plugin.yml
"""

import json
import sys

HEAD = """\
# The Meltano plugin definition of tap-together, in the Hub's form; made by generate.py of `--about --format json`.
name: tap-together
namespace: tap_together
variant: tap-together
label: Together (mentoring)
description: The user, pairing and session reports of the mentoring platform Together
domain_url: https://togetherplatform.com
keywords: [api, mentoring]
maintenance_status: active
quality: unknown
executable: tap-together
settings_group_validation:
- [organization_id, client_id, api_key]
- [organization_id, client_id, api_key_file]
- [organization_id, client_id, api_key_command]
"""
# As the Hub's own tool has it: Meltano cannot write its `decimal` into a config.
KINDS = {"number": "integer"}


def setting(name, schema):
    """One setting, in the order of the Hub's fields."""
    yield "name", name
    yield "label", schema["title"]
    yield "description", schema["description"]
    if "enum" in schema:
        yield "kind", "options"
        yield "options", [{"label": value, "value": value} for value in schema["enum"]]
    else:
        yield "kind", KINDS.get(schema["type"], schema["type"])
    if schema.get("secret"):
        yield "sensitive", True
    if "default" in schema:
        yield "value", schema["default"]


def main():
    about = json.load(sys.stdin)
    print(HEAD + "capabilities:")
    for capability in about["capabilities"]:
        print(f"- {capability}")
    print("settings:")
    for name, schema in about["settings"]["properties"].items():
        mark = "-"
        # JSON is YAML.
        for field, value in setting(name, schema):
            print(f"{mark} {field}: {json.dumps(value, ensure_ascii=False)}")
            mark = " "


main()
