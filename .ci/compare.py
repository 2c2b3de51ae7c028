"""Compares a tap's records, cell by cell, with the reports that the sandbox serves, as Python's csv module reads them.

Usage: compare.py CONFIG < messages. Fails at the first difference.
"""

import csv
import io
import json
import sys
import time
import urllib.request

csv.field_size_limit(2**30)
config = json.load(open(sys.argv[1], encoding="utf-8"))
records, state = {}, None
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "RECORD":
        records.setdefault(message["stream"], []).append(list(message["record"].values()))
    last = message["type"]
assert last == "STATE", last

for report, stream in [("userReport", "user_report"), ("pairingReport", "pairing_report"), ("sessionReport", "session_report")]:
    time.sleep(config["request_interval_seconds"] + 0.2)
    request = urllib.request.Request(
        f"{config['base_url']}/public/{config['organization_id']}/reports/export/{report}",
        headers={
            "organization-id": config["organization_id"],
            "client-id": config["client_id"],
            "api-key": config["api_key"],
            "content-type": "application/json",
        },
    )
    with urllib.request.urlopen(request) as answer:
        text = json.load(answer)["report"]
    rows = list(csv.reader(io.StringIO(text, newline="")))[1:]
    expected = [[cell or None for cell in row] + [number] for number, row in enumerate(rows, 1)]
    assert len(expected) == 100_000 == len(records[stream]), (stream, len(expected), len(records[stream]))
    for number, (ours, theirs) in enumerate(zip(records[stream], expected), 1):
        assert ours == theirs, f"{stream}: row {number} differs"
    print(f"{stream}: {len(expected)} rows equal, cell by cell")
print(f"{len(records)} passed, 0 failed")
