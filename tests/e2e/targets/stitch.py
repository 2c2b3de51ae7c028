"""The target of the service Stitch."""

from .target import Target


class Stitch(Target):
    name, program = "stitch", "target-stitch"
    note = "dry run: reads and validates every message, loads nothing"

    def config(self, folder):
        return {"client_id": 1, "token": "none", "small_batch_url": "https://example.com", "big_batch_url": "https://example.com", "batch_size_preferences": {}}

    def command(self, config, messages, whole):
        return [*super().command(config, messages, whole), "-n"]

    def rows(self, stream, folder):
        return None
