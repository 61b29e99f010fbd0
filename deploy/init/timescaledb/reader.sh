#!/bin/bash
# The role AIR connects as: it may read, and nothing else.
set -euo pipefail
psql -v ON_ERROR_STOP=1 -v password="$AIR_READER_PASSWORD" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
create extension if not exists timescaledb;
create role air_reader login password :'password';
grant connect on database energy to air_reader;
grant usage on schema public to air_reader;
grant select on all tables in schema public to air_reader;
alter default privileges grant select on tables to air_reader;
SQL
