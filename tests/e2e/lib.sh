# Shared by the end-to-end tests: Python environments, database servers, S3, the sandbox. To be sourced by bash.
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
root=$(realpath "$here/../..")

work=$(mktemp -d)
chmod 711 "$work"
venvs=$work/venvs
# Bytecode is kept until the test ends; otherwise each start of a target compiles its packages again, which takes longer than a
# small load.
unset PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX=$work/pycache
# The commands given to `at_exit` run in reverse order when the test ends, also after a failure.
cleanup=("rm -rf '$work'")
at_exit() { cleanup=("$1" "${cleanup[@]}"); }
trap 'for command in "${cleanup[@]}"; do eval "$command" || true; done' EXIT

# Links these Python environments into $venvs, two at a time; `.ci/cached` builds those that are missing.
venv() {
  mkdir -p "$venvs"
  printf '%s\n' "$@" | xargs -P 2 -I NAME bash -euc '
    environment=$("$0/.ci/cached" env NAME "$0/tests/e2e/requirements/NAME.txt")
    ln -s "$environment" "$1/NAME"' "$root" "$venvs"
}

free_port() { python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Starts PostgreSQL 15 with its data in $work: user postgres, any password, on 127.0.0.1 and a free port, $PORT.
postgres() {
  local bin=/usr/lib/postgresql/15/bin as_postgres=()
  PORT=$(free_port)
  export PORT
  [ -x $bin/initdb ] || "$root/.ci/debian" postgresql-15
  mkdir "$work/pg"
  # PostgreSQL refuses to run as root.
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

# Starts MariaDB with its data in $work: user root, no password, on 127.0.0.1 and a free port, $MYSQL_PORT.
mariadb() {
  # The environment `mysql` compiles its driver with the client library.
  [ -x /usr/sbin/mariadbd ] && [ -e /usr/include/mariadb/mysql.h ] || "$root/.ci/debian" mariadb-server libmariadb-dev pkg-config
  MYSQL_PORT=$(free_port)
  export MYSQL_PORT
  local user=mysql data=$work/mariadb
  [ "$(id -u)" -eq 0 ] || user=$(id -un)
  mkdir "$data"
  chown "$user" "$data"
  mariadb-install-db --no-defaults --user="$user" --datadir="$data" --auth-root-authentication-method=normal --skip-test-db >"$data.log" 2>&1
  mariadbd --no-defaults --user="$user" --datadir="$data" --bind-address=127.0.0.1 --port="$MYSQL_PORT" \
    --socket="$data/socket" --character-set-server=utf8mb4 >>"$data.log" 2>&1 &
  at_exit "kill $!; wait $!"
  until mariadb-admin --no-defaults -h 127.0.0.1 -P "$MYSQL_PORT" -u root ping >/dev/null 2>&1; do kill -0 $!; sleep 0.1; done
}

# Starts an S3 server, with the address $S3.
s3() {
  local port
  port=$(free_port)
  export S3=http://127.0.0.1:$port
  "$venvs/moto/bin/moto_server" -H 127.0.0.1 -p "$port" >"$work/s3.log" 2>&1 &
  at_exit "kill $!"
  until python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1])' "$S3" 2>/dev/null; do kill -0 $!; sleep 0.1; done
}

# Starts a sandbox with these options and writes the config for it to $work/config.json.
sandbox() {
  "$tap" sandbox "$@" 2>"$work/sandbox" &
  at_exit "kill $!"
  until grep -qs base_url "$work/sandbox"; do kill -0 $!; sleep 0.1; done
  (umask 077 && sed -n 's/.*its config is //p' "$work/sandbox" >"$work/config.json")
}
