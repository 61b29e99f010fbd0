"""`air eval`: the golden questions of the sample data, and adding to a set."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from oracle import SAMPLE
from scripted_model import drafts, says, scripted
from service import START_SECONDS, Http, serving, sources_config, write_config

GOLDEN = SAMPLE / "golden.yaml"
# So many of the golden questions the built-in interpreter gets right. It may only grow.
BUILTIN_RIGHT = 123


def evaluate(program: Path, data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(program), "eval", *options, "--data", str(data)]
    return subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, timeout=START_SECONDS * 10, check=False
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_config(tmp_path, sources_config())
    return tmp_path


def test_the_interpreter_gets_no_fewer_golden_questions_right(program: Path, data: Path) -> None:
    done = evaluate(program, data, str(GOLDEN), "--json", "--failures")
    assert done.returncode == 0, done.stderr
    [run] = json.loads(done.stdout)["runs"]
    figures = run["figures"]
    assert figures["all"]["of"] >= 100
    right = figures["all"]["right"]
    assert right >= BUILTIN_RIGHT, f"{right} are right; what is wrong:\n{done.stderr}"
    assert figures["made_up"] == 0, done.stderr
    assert figures["usage"]["calls"] == 0
    kinds = [figures[name]["of"] for name in ("easy", "medium", "hard")]
    assert sum(kinds) == figures["all"]["of"]


def test_models_are_judged_beside_the_interpreter_by_the_same_rows(
    program: Path, data: Path
) -> None:
    questions = {q["question"]: q for q in yaml.safe_load(GOLDEN.read_text("utf-8"))["questions"]}
    only = ["flights-by-origin", "top-5-destinations", "ask-which-delay", "no-price"]
    chosen = [option for one in only for option in ("--only", one)]
    with scripted() as server:

        def knows(line: Any, asked: Any) -> None:
            question = asked.prompt.rsplit("<question>", 1)[1].split("</question>")[0].strip()
            ir = questions[question].get("ir")
            behave = drafts(ir) if ir else says('{"cannot": ["it"]}')
            behave(line, asked)

        server.script.set(scripted=[knows])
        config = sources_config()
        config["models"] = {
            "openai": {"base_url": f"{server.base}/v1", "model": "scripted"},
            "embeddings": {"provider": "builtin"},
        }
        write_config(data, config)
        both = ("--provider", "builtin", "--provider", "openai")
        done = evaluate(program, data, str(GOLDEN), "--json", *both, *chosen)
        assert done.returncode == 0, done.stderr
    builtin, model = json.loads(done.stdout)["runs"]
    assert (builtin["provider"], model["provider"]) == ("builtin", "openai")
    assert model["figures"]["usage"]["calls"] >= 3
    assert model["figures"]["usage"]["prompt_tokens"] >= 300
    by_id = {one["id"]: one for one in model["questions"]}
    assert by_id["flights-by-origin"]["verdict"] == "right"
    assert by_id["flights-by-origin"]["model"] == "openai:scripted"
    assert by_id["no-price"]["verdict"] == "right"


def test_fewer_than_wanted_is_a_failure_and_a_wrong_set_is_told(program: Path, data: Path) -> None:
    only = ("--only", "flights-all", "--only", "no-forecast")
    table = evaluate(program, data, str(GOLDEN), *only, "--at-least", "2")
    assert table.returncode == 0, table.stderr
    assert "2/2 100.0 %" in table.stdout
    assert evaluate(program, data, str(GOLDEN), *only, "--at-least", "3").returncode == 1
    wrong = data / "wrong.yaml"
    wrong.write_text(GOLDEN.read_text("utf-8").replace("agg: count}", "agg: counted}", 1), "utf-8")
    told = evaluate(program, data, str(wrong))
    assert told.returncode == 1
    assert "flights-all" in told.stderr
    assert evaluate(program, data, str(data / "none.yaml")).returncode == 1


def test_a_confirmed_answer_is_added_and_counts(program: Path, data: Path) -> None:
    folder = data / "own.yaml"
    folder.write_text(GOLDEN.read_text("utf-8"), encoding="utf-8")
    question = "number of flights by origin in May 2013"
    with serving(program, data, sources_config()) as process:
        http = Http(process.base)
        assert http.send("POST", "/v1/learn?datasource_id=flights").status == 200
        body = {"question": question, "datasource_id": "flights"}
        answer = http.send("POST", "/v1/ask", body).body
        version = answer["scope_version_id"]
        refused = evaluate(program, data, "add", str(folder), version)
        assert refused.returncode == 1
        assert "no person has confirmed" in refused.stderr, refused.stderr
        path = f"/v1/scopes/{answer['scope_id']}/version"
        assert http.send("POST", path, {"approve": True}).status == 201
        # The service may go on serving meanwhile.
        added = evaluate(program, data, "add", str(folder), version, "--id", "may")
    assert added.returncode == 0, added.stderr
    last = yaml.safe_load(folder.read_text("utf-8"))["questions"][-1]
    assert (last["id"], last["question"], last["difficulty"]) == ("may", question, "medium")
    assert folder.read_text("utf-8").startswith(GOLDEN.read_text("utf-8").rstrip())
    again = evaluate(program, data, str(folder), "--only", "may", "--at-least", "1")
    assert again.returncode == 0, again.stderr
