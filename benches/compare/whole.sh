#!/bin/sh
# The tap as its own process against a file server on loopback: wall, CPU and peak memory, five times.
# Usage: benches/compare/whole.sh TAP BODY (a release build; a file made by `cargo bench --bench stages -- write`)
set -eu
tap=$1 body=$2 port=${PORT:-8199}
here=$(dirname "$0")
folder=$(mktemp -d)
python3 "$here/serve.py" "$body" "$port" 2>/dev/null &
server=$!
trap 'kill $server; rm -rf "$folder"' EXIT
printf '{"organization_id":"o","client_id":"c","api_key":"benchmark-key","base_url":"http://127.0.0.1:%s","request_interval_seconds":0.1,"state_dir":"%s/state"}' \
    "$port" "$folder" >"$folder/config.json"
echo '{"streams":[{"stream":"user_report","tap_stream_id":"user_report","schema":{},"metadata":[{"breadcrumb":[],"metadata":{"selected":true}}]}]}' \
    >"$folder/catalog.json"
sleep 1
for _ in 1 2 3 4 5; do
    /usr/bin/time -f '%e s wall, %U + %S s CPU, %M KiB' \
        "$tap" --config "$folder/config.json" --catalog "$folder/catalog.json" --assume-idle 2>"$folder/log" | cat >/dev/null
    tail -1 "$folder/log"
done
