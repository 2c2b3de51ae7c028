"""Runs the SDK's tests on a `Tap` that forwards every call to the binary; then tests the rules that the SDK does not."""

import json
import os
import subprocess
import sys

from singer_sdk import Stream, Tap
from singer_sdk.testing import get_tap_test_class
from singer_sdk.testing.legacy import get_standard_tap_tests
from singer_sdk.testing.suites import tap_stream_attribute_tests, tap_stream_tests, tap_tests

with open(os.environ["CONFIG"]) as file:
    CONFIG = json.load(file)
# A CSV column is never an object, and any cell may be empty.
NOT_APPLICABLE = {"is_object", "not_null"}


def run(*arguments):
    """The output of the binary."""
    command = [os.environ["TAP"], "--config", os.environ["CONFIG"], *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class ProxyStream(Stream):
    """A stream of the catalog. Its sync writes the binary's messages unchanged."""

    def __init__(self, tap, entry):
        super().__init__(tap, schema=entry["schema"], name=entry["tap_stream_id"])
        self.primary_keys = entry["key_properties"]
        self.entry = entry

    def sync(self, context=None):
        with open("catalog.json", "w") as file:
            json.dump({"streams": [self.entry]}, file)
        sys.stdout.write(run("--catalog", "catalog.json"))

    def get_records(self, context):
        raise AssertionError("the binary writes the records")


class Proxy(Tap):
    """The binary as a tap of the SDK."""

    name = "tap-together"
    config_jsonschema = json.loads(run("--about", "--format", "json"))["settings"]

    def discover_streams(self):
        return [ProxyStream(self, entry) for entry in self.catalog_dict["streams"]]

    def run_discovery(self):
        text = run("--discover")
        print(text)
        return text

    @property
    def catalog_dict(self):
        return json.loads(run("--discover"))

    @classmethod
    def print_version(cls, print_fn=print):
        print_fn(run("--version"))

    @classmethod
    def print_about(cls, output_format=None):
        print(run("--about", "--format", output_format or "text"))


TestTap = get_tap_test_class(Proxy, config=CONFIG)

for check in get_standard_tap_tests(Proxy, CONFIG):
    globals()["test_legacy" + check.__name__] = check


def test_every_applicable_sdk_test_runs():
    suites = [tap_tests, tap_stream_tests, tap_stream_attribute_tests]
    expected = {f"test_{suite.kind}_{test.name}" for suite in suites for test in suite.tests if test.name not in NOT_APPLICABLE}
    found = {name for name in dir(TestTap) if name.startswith("test_tap_") and TestTap.params.get(name, True)}
    assert len(expected) == 14 and expected <= found, expected - found


def test_output_passes_check_and_last_state_is_complete():
    output = run()
    checked = subprocess.run([os.environ["TAP"], "check"], input=output, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    messages = [json.loads(line) for line in output.splitlines()]
    state = messages[-1]["value"]
    activated = {message["stream"]: message["version"] for message in messages if message["type"] == "ACTIVATE_VERSION"}
    assert state["currently_syncing"] is None
    assert len(activated) == 3 and {stream: mark["version"] for stream, mark in state["bookmarks"].items()} == activated


def test_check_refuses_output_that_the_sdk_tests_accept():
    lines = run().splitlines(keepends=True)
    first_record = next(number for number, line in enumerate(lines) if '"RECORD"' in line)
    unfinished = lines[-1].replace('"value":{', '"value":{"progress_markers":{},')
    for broken, words in [
        (lines[: first_record + 1] + lines[first_record:], "two records have the same key"),
        (lines[:-1] + [unfinished], "a stream was not finished"),
    ]:
        checked = subprocess.run([os.environ["TAP"], "check"], input="".join(broken), capture_output=True, text=True)
        assert checked.returncode == 65 and words in checked.stdout, checked.stdout
