"""What a deployment is made of, read as its tools read it, for want of a container engine.

Paths are there, secrets come from the environment, and nothing listens to the world."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from service import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
SERVICES = {"timescaledb", "mysql", "redis", "eda", "air"}
SECONDS = 120


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = (DEPLOY / "docker-compose.yml").read_text(encoding="utf-8")
    parsed: dict[str, Any] = yaml.safe_load(text)
    return parsed


def test_every_part_is_there_and_waits_for_the_others(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert services.keys() == SERVICES
    waits = services["air"]["depends_on"]
    assert waits.keys() == SERVICES - {"air"}
    for name, condition in waits.items():
        assert condition == {"condition": "service_healthy"}
        built = services[name].get("build")
        healthy = "healthcheck" in services[name] or "HEALTHCHECK" in dockerfile(built)
        assert healthy, name


def dockerfile(build: dict[str, str] | None) -> str:
    return (REPOSITORY / build["dockerfile"]).read_text(encoding="utf-8") if build else ""


def test_nothing_is_published_beyond_loopback_and_no_secret_is_written(
    compose: dict[str, Any],
) -> None:
    for name, service in compose["services"].items():
        for port in service.get("ports", []):
            assert str(port).startswith("127.0.0.1:"), (name, port)
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|AUTH", key):
                assert re.fullmatch(r"\$\{AIR_[A-Z_]+:\?[^}]+\}", value), (name, key)
    assert not {"ports"} & (compose["services"]["redis"].keys() | compose["services"]["eda"].keys())


def test_paths_and_volumes_are_there(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).exists(), (name, volume)
            else:
                assert source in compose["volumes"], (name, volume)
        for network in service.get("networks", []):
            assert network in compose["networks"], (name, network)
        if build := service.get("build"):
            assert (DEPLOY / build["context"]).resolve() == REPOSITORY
            assert (REPOSITORY / build["dockerfile"]).is_file()


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.eda"])
def test_images_have_two_stages_and_no_rights(name: str) -> None:
    text = (DEPLOY / name).read_text(encoding="utf-8")
    assert len(re.findall(r"^FROM ", text, re.MULTILINE)) == 2
    last = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER \d+$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    members = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    for source in " ".join(members).split():
        # The EDA service is a folder of its own, which the image of the service does not need.
        assert (REPOSITORY / source).exists() or source.startswith("python/eda"), source


def test_the_configuration_in_the_image_fits_this_version(program: Path, tmp_path: Path) -> None:
    """Everything of it is reached by names that only the containers' network has; the keys fit."""
    environment = {
        "AIR_READER_PASSWORD": "p",
        "AIR__SERVER__AUTH__JWT_SECRET": "only-for-tests-" * 5,
        "AIR__PYTHON__AUTH_SHARED_SECRET": "only-for-tests-" * 5,
        "AIR__REDIS__PASSWORD": "p",
        "PATH": "/usr/bin:/bin",
    }
    config = DEPLOY / "air.yaml"
    command = [str(program), "token", "--data", str(tmp_path), "--config", str(config)]
    done = subprocess.run(  # noqa: S603
        [*command, "--sub", "ana", "--role", "viewer"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr


def unit(name: str) -> configparser.ConfigParser:
    # A key that stands twice is a list in systemd; the last is enough here.
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / f"{name}.service", encoding="utf-8")
    return parser


@pytest.mark.parametrize("name", ["air", "air-worker"])
def test_the_unit_is_closed_and_systemd_takes_it(name: str, tmp_path: Path) -> None:
    service = unit(name)["Service"]
    wanted = {
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "StateDirectory": name,
        "StateDirectoryMode": "0700",
        "CapabilityBoundingSet": "",
        "MemoryDenyWriteExecute": "yes",
    }
    assert wanted.items() <= dict(service).items()
    analyze = shutil.which("systemd-analyze")
    if analyze:
        # The program is not installed here; the rest of the unit is as it is.
        text = (DEPLOY / f"{name}.service").read_text(encoding="utf-8")
        copy = tmp_path / f"{name}.service"
        copy.write_text(text.replace("/usr/local/bin/air", "/bin/true"), encoding="utf-8")
        done = subprocess.run(  # noqa: S603
            [analyze, "verify", str(copy)],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("script", sorted(p.name for p in (REPOSITORY / "scripts").glob("*.sh")))
def test_scripts_are_read_by_the_shell(script: str) -> None:
    bash = shutil.which("bash")
    assert bash
    done = subprocess.run(  # noqa: S603
        [bash, "-n", str(REPOSITORY / "scripts" / script)], check=False, timeout=SECONDS
    )
    assert done.returncode == 0


def test_databases_come_up_and_go_down_without_a_container_engine(tmp_path: Path) -> None:
    """`make db` here: private servers with the sample data, whose addresses are written down."""
    work = tmp_path / "repository"
    shutil.copytree(
        REPOSITORY,
        work,
        ignore=shutil.ignore_patterns(".git", ".air", "target", "benches", "engine", "server"),
    )
    tmp_path.chmod(0o711)
    try:
        db(work, "up")
        environment = (work / ".air" / "db" / "environment").read_text(encoding="utf-8")
        assert {"PG_DSN", "MY_DSN", "AIR__REDIS__URL"} == set(
            re.findall(r"^export (\w+)=", environment, re.MULTILINE)
        )
        pids = [
            int((work / ".air" / "db" / f"{name}.pid").read_text())
            for name in ("servers", "redis", "holder")
        ]
    finally:
        db(work, "down")
    assert not (work / ".air" / "db").exists()
    for pid in pids:
        assert not Path(f"/proc/{pid}").exists(), pid


def db(work: Path, what: str) -> None:
    bash = shutil.which("bash")
    assert bash
    done = subprocess.run(  # noqa: S603
        [bash, str(work / "scripts" / "db.sh"), what],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHON": sys.executable, "HOME": "/root"},
    )
    assert done.returncode == 0, done.stderr
