"""The checks of models against a real one, for a user with a key: `make models-check`.

In: the program (AIR_BIN), and the models that the environment configures, as for the service:
`AIR__MODELS__OPENAI__API_KEY`, `AIR__MODELS__OPENAI__BASE_URL`, `AIR__MODELS__OLLAMA__HOST`, and so
on. `MODELS_CHECK_PROVIDER` names who is asked (openai, ollama). Out: what was found, and 1 where a
check failed. Never run by CI: it costs money, and a model answers otherwise tomorrow.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from oracle import SAMPLE
from service import Http, serving, sources_config

QUESTION = "average arrival delay by airline name in March 2013, the 3 highest first"
GOLDEN = SAMPLE / "golden.yaml"


def config(provider: str) -> dict[str, Any]:
    made = sources_config()
    made["models"] = {
        "provider": provider,
        "calls": {"timeout": "60s", "first_token_timeout": "30s"},
    }
    made["limits"] = {"request": "120s"}
    return made


def check(name: str, good: bool, told: object) -> bool:
    sys.stdout.write(f"{'ok  ' if good else 'FAIL'}  {name}: {told}\n")
    return good


def keys() -> list[str]:
    """Secrets that must be found nowhere."""
    return [v for k, v in os.environ.items() if k.endswith("API_KEY") and len(v) > 7]


def service_checks(program: Path, data: Path, provider: str) -> list[bool]:
    found = []
    with serving(program, data, config(provider)) as process:
        http = Http(process.base)
        http.send("POST", "/v1/learn?datasource_id=flights")
        body = {"question": QUESTION, "datasource_id": "flights", "now": "2014-01-10T12:00:00Z"}
        answer = http.send("POST", "/v1/ask", body).body
        made = answer.get("model") or {}
        found.append(check("a draft", made.get("used") is not None, json.dumps(made)))
        ended = answer.get("state") in ("answer", "clarify")
        found.append(check("the state", ended, answer.get("state")))
        ir = {
            "entities": ["flights", "airlines"],
            "dimensions": ["airlines.name"],
            "metrics": [{"name": "flights", "agg": "count"}],
        }
        run = http.send("POST", "/v1/query", {"datasource_id": "flights", "ir": ir}).body
        analysis = http.send("POST", f"/v1/runs/{run['run_id']}/analyze").body
        told = f"{analysis.get('model_used')}, refused: {analysis.get('refused')}"
        found.append(check("an analysis", bool(analysis.get("analysis_md")), told))
        page = http.send("GET", "/metrics").body.decode()
        counted = [line for line in page.splitlines() if line.startswith("air_model_tokens")]
        found.append(check("tokens counted", bool(counted), " ".join(counted)))
    leaks = [
        path.name
        for path in data.rglob("*")
        if path.is_file() and any(key.encode() in path.read_bytes() for key in keys())
    ]
    found.append(check("no key in any file", not leaks, leaks))
    return found


def evaluation(program: Path, data: Path, provider: str) -> bool:
    names = ("--provider", "builtin", "--provider", provider)
    command = [str(program), "eval", str(GOLDEN), *names, "--data", str(data)]
    done = subprocess.run(command, text=True, capture_output=True, check=False)  # noqa: S603
    sys.stdout.write(done.stdout)
    return check("the golden questions", done.returncode == 0, done.stderr.strip() or "asked")


def main() -> int:
    program = Path(os.environ["AIR_BIN"])
    provider = os.environ.get("MODELS_CHECK_PROVIDER", "openai")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        found = service_checks(program, data, provider)
        found.append(evaluation(program, data, provider))
    return 0 if all(found) else 1


if __name__ == "__main__":
    sys.exit(main())
