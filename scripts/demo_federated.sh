#!/usr/bin/env bash
# The federated demo: one question over a PostgreSQL, a MariaDB and a file. Private servers are
# started and loaded with parts of the sample data; the IR is run, what was sent to each source is
# shown with the rows that came back, and the same is saved as a report and run again.
# AIR_BIN and AIRCLI_BIN name the built programs, PYTHON one with the packages of the tests.
# Everything that was started stops when this script ends.
set -euo pipefail
. "$(dirname "$0")/serving.sh"
chmod 711 "$work"   # PostgreSQL runs as a user of its own and walks through here
servers=
# The servers end when the pipe to them closes.
ending() { [ -z "$servers" ] || { exec 3>&-; wait "$servers" 2>/dev/null || true; }; }

say "Starting PostgreSQL and MariaDB, loading flights into one, planes and airlines into the other"
mkfifo "$work/hold"
"${PYTHON:-python3}" scripts/demo_servers.py "$work" <"$work/hold" >"$work/servers.log" 2>&1 &
servers=$!
exec 3>"$work/hold"
await "$servers" "$work/servers.log" test -f "$work/ready"
{ read -r PG_DSN; read -r MY_DSN; } <"$work/ready"
export PG_DSN MY_DSN

say "Starting the service over the three sources"
mkdir -p "$work/files/weather" "$work/data"; chmod 700 "$work/data"
cp data/sample/weather.jsonl.gz "$work/files/weather/"
cat >"$work/files/weather/dataset.yaml" <<'YAML'
version: 1
name: weather
time_zone: America/New_York
tables:
  weather:
    files: weather.jsonl.gz
    description: "Hourly weather at the three airports of departure"
    primary_key: [origin, time_hour]
    time_column: time_hour
    columns:
      origin: {type: text, nullable: false}
      time_hour: {type: timestamptz, nullable: false}
      precip: {type: "decimal(5,2)", nullable: false, unit: inches}
YAML
cat >"$work/data/config.yaml" <<YAML
analytics_sources:
  - {id: pg-flights, kind: postgres, dsn: "\${PG_DSN}", display_name: "Flights (PostgreSQL)", default: true}
  - {id: mysql-fleet, kind: mysql, dsn: "\${MY_DSN}", display_name: "Fleet (MariaDB)"}
  - {id: weather-files, kind: files, base_path: "$work/files/weather", display_name: "Weather (JSON lines)"}
files:
  base_path: "$work/files"
YAML
serve "$work/data" --auth disabled
air() { "$AIRCLI_BIN" "$@"; }
for source in pg-flights mysql-fleet weather-files; do
  air learn "$source" --output json >"$work/learned.json"
  air get "/v1/catalog/$source" | jq -r --arg s "$source" '(.catalog // .).tables[] | "  \($s): \(.name), \(.columns | length) columns, about \(.row_estimate) rows"'
done

say "One IR over the three: flights and seat miles in the rain, by airline and kind of engine, in June 2013"
cat >"$work/ir.json" <<'JSON'
{"entities": [
   {"entity": "flights", "source": "pg-flights"},
   {"entity": "airlines", "source": "mysql-fleet"},
   {"entity": "planes", "source": "mysql-fleet"},
   {"entity": "weather", "source": "weather-files"}],
 "joins": [
   {"left": "flights.carrier", "right": "airlines.carrier"},
   {"left": "flights.tailnum", "right": "planes.tailnum"},
   {"left": ["flights.origin", "flights.time_hour"], "right": ["weather.origin", "weather.time_hour"]}],
 "time": {"field": "flights.time_hour", "timezone": "America/New_York"},
 "dimensions": ["airlines.name", "planes.engine"],
 "metrics": [
   {"name": "flights", "agg": "count"},
   {"name": "seat_miles", "agg": "sum", "value": "planes.seats * flights.distance"},
   {"name": "avg_delay", "agg": "avg", "field": "flights.dep_delay"}],
 "filters": [
   {"field": "flights.time_hour", "op": "during", "value": "2013-06"},
   {"field": "weather.precip", "op": ">", "value": "0.10"},
   {"field": "planes.manufacturer", "op": "=", "value": "EMBRAER"}],
 "order": [{"field": "flights", "dir": "desc"}],
 "limit": 10}
JSON
cat "$work/ir.json"
air query "@$work/ir.json" --source pg-flights --output json >"$work/run.json"
# What a run says of each source: its SQL, its values, and the rows that came back.
sent() { jq -r '.sql[] | "  to \(.source) (\(.dialect))" + (if .rows then ", \(.rows) rows came back" else "" end) + ":\n    \(.sql)\n    values: \(.params | tojson | .[0:200])"' "$1"; }
say "What was sent to each source"
sent "$work/run.json"
say "Rows"
air query "@$work/ir.json" --source pg-flights --output table 2>&1

say "The same, saved as the report wet_flights with a parameter, and run twice"
jq '{version: "1",
  ir: (.filters[2].value = "{{manufacturer}}"),
  params: {exposed: ["manufacturer"],
    schema: {type: "object", properties: {manufacturer: {type: "string"}}},
    defaults: {manufacturer: "EMBRAER"}}}' "$work/ir.json" >"$work/def.json"
air reports create wet_flights --title "Flights in the rain" --output json | jq -c '{key, title}'
air reports version wet_flights "@$work/def.json" --source pg-flights --output json | jq -c '{version, checksum}'
air run wet_flights --output json >"$work/again.json"
if [ "$(jq -c .rows "$work/run.json")" != "$(jq -c .rows "$work/again.json")" ]; then
  echo "the report gave other rows than the IR it was made of" >&2; exit 1
fi
echo "run 1 by the defaults: $(jq .row_count "$work/again.json") rows, the same as above"
echo "run 2, manufacturer BOEING:"
air run wet_flights --param manufacturer=BOEING --output table 2>&1
