# What the end-to-end tests share: virtual environments, a PostgreSQL, the sandbox. To be sourced, by bash.
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
root=$(realpath "$here/../..")
venvs=$(realpath -m "${VENVS:-$root/.venv}")

work=$(mktemp -d)
chmod 711 "$work"
# What `at_exit` is given runs in reverse order, however the test ends.
cleanup=("rm -rf '$work'")
at_exit() { cleanup=("$1" "${cleanup[@]}"); }
trap 'for command in "${cleanup[@]}"; do eval "$command" || true; done' EXIT

# Makes the environments that are missing, two at a time; a stamp says which requirements each was made from.
venv() {
  printf '%s\n' "$@" | xargs -P 2 -I NAME bash -euc '
    list=$0/NAME.txt venv=$1/NAME
    cmp -s "$list" "$venv/stamp" && exit
    rm -rf "$venv"
    python3 -m venv "$venv"
    # Some still import pkg_resources.
    "$venv/bin/pip" install --quiet "setuptools<81" -r "$list"
    cp "$list" "$venv/stamp"' "$here/requirements" "$venvs"
}

# Starts a PostgreSQL 15 with its data below $work: user postgres, any password, 127.0.0.1:$PORT, a port that is free.
postgres() {
  local bin=/usr/lib/postgresql/15/bin as_postgres=()
  PORT=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
  export PORT
  [ -x $bin/initdb ] || "$root/.ci/debian" postgresql-15
  mkdir "$work/pg"
  # It refuses to run as root.
  if [ "$(id -u)" -eq 0 ]; then
    as_postgres=(runuser -u postgres --)
    chown postgres "$work/pg"
  fi
  (
    cd "$work"
    "${as_postgres[@]}" $bin/initdb -D "$work/pg/data" -U postgres -A trust >/dev/null
    "${as_postgres[@]}" $bin/pg_ctl -D "$work/pg/data" -w -l "$work/pg/log" -o "-p $PORT -k $work/pg -c listen_addresses=127.0.0.1" start >/dev/null
  )
  at_exit "cd '$work' && ${as_postgres[*]} $bin/pg_ctl -D '$work/pg/data' -m immediate stop >/dev/null"
}

# Starts a sandbox with these options, and writes the config that it asks for to $work/config.json.
sandbox() {
  "$tap" sandbox "$@" 2>"$work/sandbox" &
  at_exit "kill $!"
  until grep -qs base_url "$work/sandbox"; do kill -0 $!; sleep 0.1; done
  (umask 077 && sed -n 's/.*its config is //p' "$work/sandbox" >"$work/config.json")
}
