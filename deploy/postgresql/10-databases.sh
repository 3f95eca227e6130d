#!/bin/sh
# Makes a user and a database of their own for every role, and for the key ring. Safe to repeat: passwords are set anew.
#
# PostgreSQL's image runs it at the first start. On a server of your own, as its superuser, with PGHOST and so on set:
#     PASSWORDS=FOLDER/postgresql ./10-databases.sh
set -eu

PASSWORDS=${PASSWORDS:-/secrets/postgresql}

for name in tasks_write tasks_read calendar_write calendar_read notifications_write notifications_read users_write users_read keys; do
    export PASSWORD_FILE="$PASSWORDS/$name"
    test -s "$PASSWORD_FILE" || { echo "$PASSWORD_FILE is missing or empty." >&2; exit 1; }
    # psql reads the password itself: an argument could be seen by everybody who lists processes.
    psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=name="$name" --dbname=postgres <<'SQL'
\set password `cat "$PASSWORD_FILE"`
SELECT format('CREATE ROLE %I', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
ALTER ROLE :"name" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
-- Nobody else may even connect: no service reads another's tables.
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
