"""Make the Rust types, routes and client, and the EDA service's models, from openapi.yaml.

In: the contract. Out: `client/src/generated/` for crate air-client, `../server/src/contract/` for
the server, `../python/eda/air_eda/contract.py` for the EDA service. With `--check` nothing is
written; the exit code is 1 where what is committed differs from what would be made.
"""

from __future__ import annotations

import argparse
import difflib
import subprocess
import sys
from pathlib import Path

from .client_side import client, examples
from .contract import API, CONTRACT, ContractError, read
from .python_types import Models
from .rust_types import Types
from .server_side import routes, schemas_json

CLIENT = API / "client" / "src" / "generated"
SERVER = API.parent / "server" / "src" / "contract"
EDA = API.parent / "python" / "eda" / "air_eda"


def formatted(code: str) -> str:
    command = ["rustfmt", "--edition", "2024", "--emit", "stdout"]
    done = subprocess.run(  # noqa: S603 (a fixed command; the code goes in by stdin)
        command, input=code, text=True, capture_output=True, cwd=API.parent, check=False
    )
    if done.returncode != 0:
        raise ContractError(f"rustfmt refuses what was made:\n{done.stderr}")
    return done.stdout


def made() -> dict[Path, str]:
    contract = read()
    pairs, round_trip = examples(contract)
    return {
        CLIENT / "types.rs": formatted(Types(contract, server=False).file()),
        CLIENT / "operations.rs": formatted(client(contract)),
        CLIENT / "round_trip.rs": formatted(round_trip),
        CLIENT / "examples.json": pairs,
        SERVER / "types.rs": formatted(Types(contract, server=True).file()),
        SERVER / "routes.rs": formatted(routes(contract)),
        SERVER / "schemas.json": schemas_json(contract),
        EDA / "contract.py": Models(contract).file(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Make code from the contract.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail where files differ"
    )
    check = parser.parse_args().check
    stale = False
    for path, text in made().items():
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        if old == text:
            continue
        if check:
            stale = True
            name = str(path.relative_to(API.parent))
            diff = difflib.unified_diff(
                old.splitlines(), text.splitlines(), name, "made now", lineterm="", n=1
            )
            sys.stderr.write("\n".join(list(diff)[:40]) + "\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if stale:
        sys.stderr.write("The generated files are not what the contract gives: run api/generate.\n")
    return 1 if stale else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ContractError as error:
        sys.exit(f"{CONTRACT.name}: {error}")
