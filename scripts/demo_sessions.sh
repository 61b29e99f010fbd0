#!/usr/bin/env bash
# The demo of learning sessions: a CSV and a JSONL file are uploaded, learned and joined by
# themselves; a conversation asks and refines; its answer is published and called by curl with
# parameters. The built-in interpreter alone reads the questions. AIR_BIN and AIRCLI_BIN name the
# built programs. The service stops when this script ends.
set -euo pipefail
. "$(dirname "$0")/serving.sh"
run() { printf '$ %s\n' "$*"; "$@"; }

say "Two files: what was sold, and where"
{
  echo "sale_id,sold_at,store,channel,quantity,amount"
  for i in $(seq 1 600); do
    printf '%d,2024-%02d-%02dT%02d:30:00Z,S%02d,%s,%d,%d.%02d\n' "$i" $((i % 12 + 1)) $((i * 7 % 28 + 1)) \
      $((i % 12 + 8)) $((i * 5 % 12 + 1)) "$(case $((i / 3 % 3)) in 0) echo web ;; 1) echo shop ;; *) echo phone ;; esac)" \
      $((i % 9 + 1)) $((i * 37 % 400 + 5)) $((i * 13 % 4 * 25))
  done
} >"$work/sales.csv"
for i in $(seq 1 12); do
  printf '{"store":"S%02d","city":"%s","region":"%s","size_m2":%d}\n' "$i" \
    "$(case $((i % 4)) in 0) echo Oslo ;; 1) echo Rome ;; 2) echo Bern ;; *) echo Graz ;; esac)" \
    "$(case $((i % 3)) in 0) echo north ;; 1) echo south ;; *) echo west ;; esac)" $((i * 61 % 700 + 90))
done >"$work/stores.jsonl"
run head -3 "$work/sales.csv"
run head -2 "$work/stores.jsonl"

say "The service, which knows no source yet"
mkdir -p "$work/data/files"; chmod 700 "$work/data"
printf 'files: {base_path: files}\nserver: {auth: {jwt_secret: "%s"}}\n' "$(head -c 32 /dev/urandom | base64)" >"$work/data/config.yaml"
serve "$work/data" --auth enabled
token() { "$AIR_BIN" token --data "$work/data" --sub "$1" --role "$2"; }
ANN=$(token ann editor); BOB=$(token bob viewer)
air() { printf '$ aircli %s\n' "$*"; AIR_TOKEN=$ANN "$AIRCLI_BIN" "$@"; }
quiet() { AIR_TOKEN=$ANN "$AIRCLI_BIN" "$@" --output json --quiet; }

say "Ann uploads both"
quiet upload "$work/sales.csv" "$work/stores.jsonl" >"$work/files.json"
jq -r '.items[] | "\(.id)  \(.name)  \(.state), \(.rows) rows"' "$work/files.json"
files=$(jq -r '.items[].id' "$work/files.json")

say "A learning session: learned, joined, and questions to begin with"
# shellcheck disable=SC2086
quiet sessions new $files --name "Sales and stores" >"$work/session.json"
session=$(jq -r .id "$work/session.json")
jq -r '"session \(.id)", (.files[] | "  table \(.table): \(.rows) rows of \(.name)"),
  (.joins[] | "  joined: \(.from) = \(.to)"), (.suggested_questions[] | "  suggested: \(.)")' "$work/session.json"

say "The conversation"
first=$(jq -r '.suggested_questions[0]' "$work/session.json")
air sessions say "$session" "$first" --output table 2>&1
air sessions say "$session" "total amount by region" --output table 2>&1
air sessions say "$session" "only web" --output table 2>&1

say "The scope of the last answer, and its IR"
quiet sessions show "$session" >"$work/shown.json"
jq -r '.scopes[-1].scope_md' "$work/shown.json"
jq -c '.scopes[-1].ir' "$work/shown.json"

say "Published as an endpoint with typed parameters"
run_publish=(sessions publish "$session" sales-by-region --title "Sales by region"
  --description "What each region sold." --param '{"name":"channel","type":"text","allowed":["web","shop","phone"],"description":"Where it was sold."}'
  --param '{"name":"since","type":"date","field":"sold_at","op":">=","default":"2024-01-01"}')
air "${run_publish[@]}" --output json 2>&1 | sed -n '1p;$p'

say "Bob, who knows nothing of the session, calls it by curl"
call() { printf "$ curl -s -H 'Authorization: Bearer …' '%s'\n" "\$AIR_URL/v1/endpoints/$1"; curl -s -H "Authorization: Bearer $BOB" "$AIR_URL/v1/endpoints/$1"; }
call "sales-by-region" | { IFS= read -r line; echo "$line"; jq -c '{version, params, rows, qa: .qa.status}'; }
call "sales-by-region?channel=web&since=2024-07-01" | { IFS= read -r line; echo "$line"; jq -c '{version, params, rows}'; }
call "sales-by-region?channel=phone&format=csv"
call "sales-by-region?chanel=web&since=tomorrow" | { IFS= read -r line; echo "$line"; jq -c '{status, errors: [.errors[] | {pointer, code, nearest}]}'; }
printf '$ the session itself, for Bob: '
curl -s -H "Authorization: Bearer $BOB" "$AIR_URL/v1/catalog/$session" | jq -c '{status, detail}'

say "Refined and published again: version 2, and version 1 stays"
air sessions say "$session" "by month instead" --output table 2>&1 | head -8
air sessions publish "$session" sales-by-region --param 'region:text!' --output json 2>&1 | tail -1
call "sales-by-region?region=north" | { IFS= read -r line; echo "$line"; jq -c '{version, row_count, first: .rows[0]}'; }
call "sales-by-region?version=1&channel=web" | { IFS= read -r line; echo "$line"; jq -c '{version, row_count}'; }

say "As a function for models, and as an OpenAPI document"
curl -s -H "Authorization: Bearer $BOB" "$AIR_URL/v1/ai/tools" \
  | jq -c '.tools[] | select(.function.name == "endpoint_sales-by-region") | .function | {name, description, required: .parameters.required}'
AIR_TOKEN=$BOB "$AIRCLI_BIN" endpoints openapi | grep -n '/v1/endpoints/sales-by-region' | head -1

say "The transcript"
quiet sessions show "$session" | jq -r '.messages[] | "[\(.seq)] \(.user_id): \(.content | split("\n")[0])"'
