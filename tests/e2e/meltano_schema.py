"""Judges a plugin definition by the JSON Schema that Meltano ships for meltano.yml. Usage: meltano_schema.py PLUGIN"""

import json
import sys
from importlib.resources import files

import jsonschema
import yaml

# What the Hub knows besides, for its own pages.
OF_THE_HUB = ["domain_url", "keywords", "maintenance_status", "quality"]

schema = json.loads(files("meltano").joinpath("schemas/meltano.schema.json").read_text())
validator = jsonschema.Draft202012Validator({"$ref": "#/$defs/plugins/extractors", "$defs": schema["$defs"]})
with open(sys.argv[1]) as file:
    plugin = yaml.safe_load(file)
for field in OF_THE_HUB:
    del plugin[field]
validator.validate(plugin)
assert not validator.is_valid({**plugin, "setings": []}), "the schema accepts anything"
