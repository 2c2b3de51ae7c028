"""The SDK's own checks of a tap, asked of a Tap whose every answer is the binary's; then what those checks miss."""

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
# No column of a CSV is an object, and every one may be empty.
WITHOUT_SUBJECT = {"is_object", "not_null"}


def run(*arguments):
    """What the binary prints."""
    command = [os.environ["TAP"], "--config", os.environ["CONFIG"], *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class ProxyStream(Stream):
    """A stream of the catalog; its sync writes the binary's messages as they are."""

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
    """The binary, as the SDK sees a tap."""

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


def test_every_check_has_a_subject():
    suites = [tap_tests, tap_stream_tests, tap_stream_attribute_tests]
    expected = {f"test_{suite.kind}_{test.name}" for suite in suites for test in suite.tests if test.name not in WITHOUT_SUBJECT}
    subjects = {name for name in dir(TestTap) if name.startswith("test_tap_") and TestTap.params.get(name, True)}
    assert len(expected) == 14 and expected <= subjects, expected - subjects


def test_the_whole_output_keeps_the_rules_and_its_last_state_is_complete():
    output = run()
    judged = subprocess.run([os.environ["TAP"], "check"], input=output, capture_output=True, text=True)
    assert judged.returncode == 0, judged.stdout
    messages = [json.loads(line) for line in output.splitlines()]
    state = messages[-1]["value"]
    activated = {message["stream"]: message["version"] for message in messages if message["type"] == "ACTIVATE_VERSION"}
    assert state["currently_syncing"] is None
    assert len(activated) == 3 and {stream: mark["version"] for stream, mark in state["bookmarks"].items()} == activated


def test_what_the_checks_of_the_sdk_let_pass_is_refused():
    lines = run().splitlines(keepends=True)
    twice = next(number for number, line in enumerate(lines) if '"RECORD"' in line)
    unfinished = lines[-1].replace('"value":{', '"value":{"progress_markers":{},')
    for broken, words in [
        (lines[: twice + 1] + lines[twice:], "the key stands twice"),
        (lines[:-1] + [unfinished], "a stream was not finished"),
    ]:
        judged = subprocess.run([os.environ["TAP"], "check"], input="".join(broken), capture_output=True, text=True)
        assert judged.returncode == 65 and words in judged.stdout, judged.stdout
