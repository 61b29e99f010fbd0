#!/usr/bin/env bash
# The demo: three questions of the sample data, each with its scope, IR, SQL in four dialects, rows
# and verdict; then one saved as a report, run twice, exported, and imported under another key.
# AIR_BIN and AIRCLI_BIN name the built programs. The service stops when this script ends.
set -euo pipefail
. "$(dirname "$0")/serving.sh"
millis() { date +%s%3N; }
started=$(millis)

say "Starting the service on the sample data"
bash scripts/sample_config.sh "$work/data"
serve "$work/data" --auth disabled
air() { "$AIRCLI_BIN" "$@"; }
up=$(millis)
echo "up at $AIR_URL"

say "Learning the sample data"
air learn flights --output json >"$work/learned.json"
air get /v1/catalog/flights | jq -r '(.catalog // .).tables[] | "  \(.name): \(.row_estimate) rows, \(.columns | length) columns"'
learned=$(millis)

number=0
ask() { # question, further arguments
  number=$((number + 1))
  local question=$1; shift
  say "Question $number: $question"
  air ask "$question" --source flights --output json "$@" >"$work/ask$number.json"
  jq -r '"understood as: \(.interpretation)", (.assumptions[] | "assumed: \(.)"), "state \(.state), badge \(.badge), confidence \(.confidence)"' "$work/ask$number.json"
  say "Scope"; jq -r .scope_md "$work/ask$number.json"
  say "IR"; jq -c .ir "$work/ask$number.json"
  jq .ir "$work/ask$number.json" >"$work/ir$number.json"
  say "SQL in the four dialects"
  air sql "@$work/ir$number.json" --source flights --dialect postgres,timescaledb,mysql,datafusion --output table
  say "Rows and verdict"
  air query "@$work/ir$number.json" --source flights --output table 2>&1 | head -40
}
ask "average departure delay by carrier name and month in 2013"
ask "top 5 destinations by number of flights from JFK last summer" --now 2013-10-15T12:00:00Z
ask "share of flights delayed more than 30 minutes per origin airport"
asked=$(millis)

say "Saving the report monthly_delays"
cat >"$work/def.json" <<'EOF'
{"version": "1",
 "ir": {"entities": ["flights"],
   "dimensions": [{"name": "month", "field": "time_hour", "grain": "1 month"}],
   "metrics": [
     {"name": "flights", "agg": "count"},
     {"name": "avg_dep_delay", "agg": "avg", "field": "dep_delay"},
     {"name": "late", "agg": "count", "filter": {"field": "dep_delay", "op": ">", "value": 30}},
     {"name": "late_share", "expr": "round(late / flights, 4)"}],
   "filters": [
     {"field": "time_hour", "op": ">=", "value": "{{dateFrom}}"},
     {"field": "time_hour", "op": "<", "value": "{{dateTo}}"},
     {"field": "carrier", "op": "=", "value": "{{carrier}}"}],
   "order": [{"field": "month", "dir": "asc"}]},
 "params": {
   "exposed": ["dateFrom", "dateTo", "carrier"],
   "schema": {"type": "object",
     "properties": {
       "dateFrom": {"type": "string", "format": "date-time"},
       "dateTo": {"type": "string", "format": "date-time"},
       "carrier": {"type": "string", "minLength": 2, "maxLength": 2}},
     "required": ["dateFrom", "dateTo"]},
   "defaults": {"dateFrom": "2013-01-01T05:00:00Z", "dateTo": "2014-01-01T05:00:00Z"}},
 "visuals": [{"type": "line", "x": "month", "y": "avg_dep_delay"}],
 "notes": "Departure delays by month; without a carrier, of all."}
EOF
air reports create monthly_delays --title "Monthly delays" --output json | jq -c '{key, title}'
air reports version monthly_delays "@$work/def.json" --source flights --output json | jq -c '{version, checksum}'

say "Run 1: all carriers, by the defaults"
air run monthly_delays --output table 2>&1
say "Run 2: carrier UA, the second quarter"
air run monthly_delays --param carrier=UA --param dateFrom=2013-04-01T04:00:00Z --param dateTo=2013-07-01T04:00:00Z --output table 2>&1

say "Export as YAML, import as monthly_delays_copy, run that"
air export monthly_delays --format yaml >"$work/monthly_delays.yaml"
cat "$work/monthly_delays.yaml"
air import "$work/monthly_delays.yaml" --key monthly_delays_copy --output json | jq -c '{key, version}'
air run monthly_delays_copy --source flights --param carrier=B6 --output json >"$work/copy.json"
jq -r '"\(.row_count) rows, QA \(.qa.status)"' "$work/copy.json"
ended=$(millis)

say "Times"
printf '%-34s %6d ms\n' "start of the service" $((up - started)) "learning" $((learned - up)) \
  "three questions, all shown" $((asked - learned)) "report: save, run, export, import" $((ended - asked))
for i in 1 2 3; do
  jq -r --arg i "$i" '"question \($i): " + ([.result.timings_ms | to_entries[] | "\(.key) \(.value * 100 | round / 100) ms"] | join(", "))' "$work/ask$i.json"
done

say "What to type next"
cat <<EOF
  make run                                  # keeps the service up at http://127.0.0.1:9000
  alias aircli=$AIRCLI_BIN
  aircli learn flights                      # once, in another terminal
  aircli ask "how many distinct planes flew each day in March 2013"
  aircli ask "which airline had the worst median arrival delay in December 2013"
  aircli reports list                       # and see README.md for your own folder of files
EOF
