"""Validates a plugin definition with the JSON Schema that Meltano ships for meltano.yml. Usage: meltano_schema.py PLUGIN"""

import json
import sys
from importlib.resources import files

import jsonschema
import yaml

# Fields of the Hub that meltano.yml does not have.
HUB_ONLY = ["domain_url", "keywords", "maintenance_status", "quality"]

schema = json.loads(files("meltano").joinpath("schemas/meltano.schema.json").read_text())
validator = jsonschema.Draft202012Validator({"$ref": "#/$defs/plugins/extractors", "$defs": schema["$defs"]})
with open(sys.argv[1]) as file:
    plugin = yaml.safe_load(file)
for field in HUB_ONLY:
    del plugin[field]
validator.validate(plugin)
assert not validator.is_valid({**plugin, "setings": []}), "the schema accepts anything"
