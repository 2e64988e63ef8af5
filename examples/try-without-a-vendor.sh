#!/usr/bin/env bash
# Everything on this machine: a scripted vendor, the gateway in front of it, and calls of each kind.
set -euo pipefail
cd "$(dirname "$0")/.."

weir=.build/release/weir
[ -x "$weir" ] || swift build -c release --product weir >&2
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$folder"' EXIT

"$weir" mock --listen 127.0.0.1:8081 >/dev/null &
cat >"$folder/config.toml" <<'TOML'
[vendors.openai]
base_url = "http://127.0.0.1:8081/v1"
[vendors.anthropic]
base_url = "http://127.0.0.1:8081"
TOML
"$weir" serve --config "$folder/config.toml" &
until curl -sf http://127.0.0.1:9090/readyz >/dev/null; do :; done

chat() {
  curl -sN "http://127.0.0.1:8080/v1/chat/completions" -H 'content-type: application/json' \
    -d "{\"model\":\"gpt-4o\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"$1\"}]}"
}
echo "== a stream"
chat 'hello [[mock chunks=3 delay=100]]'
echo "== a vendor that is rate limited: its own answer"
chat '[[mock status=429 retry_after=7]]'
echo
echo "== a vendor that breaks off: curl says so"
chat '[[mock chunks=6 fault=reset]]' || echo "curl ended with status $?"
echo "== what the gateway counted"
curl -s http://127.0.0.1:9090/metrics | grep '^weir_exchanges_total' | grep -v ' 0$'
