#!/bin/sh
# What of the official image's entry point this project uses: variables from files, an own directory for its data,
# a first database with its user, scripts of /docker-entrypoint-initdb.d, and a server that does not run as root.
set -e

from_file() {
    eval "file=\${$1_FILE:-} value=\${$1:-$2}"
    if [ -n "$file" ]; then value=$(cat "$file"); fi
    export "$1=$value"
    unset "$1_FILE"
}

first_time() {
    if [ -z "$POSTGRES_PASSWORD" ]; then
        echo "POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE has to be set" >&2
        exit 1
    fi
    password_file=$(mktemp)
    printf '%s\n' "$POSTGRES_PASSWORD" >"$password_file"
    # shellcheck disable=SC2086  the variable holds several words
    initdb --username="$POSTGRES_USER" --pwfile="$password_file" $POSTGRES_INITDB_ARGS
    rm -f "$password_file"
    printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
    printf "\nlisten_addresses = '*'\n" >>"$PGDATA/postgresql.conf"
    PGPASSWORD=$POSTGRES_PASSWORD
    export PGPASSWORD
    pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
    if [ "$POSTGRES_DB" != postgres ]; then
        psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres --set db="$POSTGRES_DB" <<'SQL'
CREATE DATABASE :"db";
SQL
    fi
    for script in /docker-entrypoint-initdb.d/*; do
        case $script in
            *.sh) sh "$script" ;;
            *.sql) psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" -f "$script" ;;
        esac
    done
    pg_ctl -D "$PGDATA" -m fast -w stop
    unset PGPASSWORD
}

case $1 in -*) set -- postgres "$@" ;; esac
if [ "$1" != postgres ]; then exec "$@"; fi
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA"
    find "$PGDATA" /var/run/postgresql \! -user postgres -exec chown postgres '{}' +
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
from_file POSTGRES_PASSWORD ""
from_file POSTGRES_USER postgres
from_file POSTGRES_DB "$POSTGRES_USER"
if [ ! -s "$PGDATA/PG_VERSION" ]; then first_time; fi
unset POSTGRES_PASSWORD
exec "$@"
