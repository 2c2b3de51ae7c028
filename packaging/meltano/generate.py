#!/usr/bin/env python3
"""Prints the Meltano plugin definition that belongs to `schemas/config.json`: generate.py > plugin.yml."""

import json
import os

SCHEMA = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../schemas/config.json")
# Meltano 4.4.1 cannot write its own `decimal` into a config; whole seconds will do.
KINDS = {"string": "string", "integer": "integer", "number": "integer", "boolean": "boolean", "array": "array", "object": "object"}
CAPABILITIES = ["catalog", "properties", "discover", "state", "about", "activate-version", "structured-logging"]


def quoted(text):
    return "'" + str(text).replace("'", "''") + "'"


def main():
    with open(SCHEMA) as file:
        schema = json.load(file)
    print("# The Meltano plugin definition of tap-together; made by generate.py from schemas/config.json.")
    print("# meltano add --plugin-type extractor tap-together --from-ref plugin.yml")
    print("plugin_type: extractors\nname: tap-together\nnamespace: tap_together\nvariant: tap-together")
    print("label: Together (mentoring)\ndescription: The user, pairing and session reports of the mentoring platform Together")
    print("executable: tap-together")
    print("capabilities:")
    for capability in CAPABILITIES:
        print(f"- {capability}")
    print("settings_group_validation:")
    for key in ("api_key", "api_key_file", "api_key_command"):
        print(f"- [organization_id, client_id, {key}]")
    print("settings:")
    for name, setting in schema["properties"].items():
        print(f"- name: {name}\n  label: {quoted(setting['title'])}\n  description: {quoted(setting['description'])}")
        if "enum" in setting:
            print("  kind: options\n  options:")
            for value in setting["enum"]:
                print(f"  - label: {quoted(value)}\n    value: {quoted(value)}")
        else:
            print(f"  kind: {KINDS[setting['type']]}")
        if setting.get("secret"):
            print("  sensitive: true")
        # With a default for `base_url`, `region` could not be set.
        if "default" in setting and name != "base_url":
            default = setting["default"]
            print(f"  value: {json.dumps(default) if not isinstance(default, str) else quoted(default)}")


main()
