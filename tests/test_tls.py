"""`aircli` over https, through a proxy that ends TLS in front of the service: whom it believes."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from service import serving, sources_config

SECONDS = 180


def openssl(folder: Path, options: str, *more: str) -> None:
    program = shutil.which("openssl")
    assert program, "openssl must be installed"
    command = [program, *options.split(), *more]
    subprocess.run(  # noqa: S603
        command, check=True, capture_output=True, timeout=SECONDS, cwd=folder
    )


def certificate(folder: Path) -> tuple[Path, Path, Path]:
    """An authority of its own, a certificate for `localhost` that it signed, and its key."""
    new = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    openssl(folder, f"{new} -x509 -keyout ca.key -out ca.pem", "-subj", "/CN=an authority")
    openssl(
        folder,
        f"{new} -x509 -CA ca.pem -CAkey ca.key -keyout key.pem -out pem.pem -subj /CN=localhost",
        *("-addext", "subjectAltName=DNS:localhost"),
        *("-addext", "basicConstraints=critical,CA:FALSE"),
    )
    return folder / "ca.pem", folder / "pem.pem", folder / "key.pem"


def pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def forward(client: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with (
        contextlib.suppress(OSError),
        client,
        context.wrap_socket(client, server_side=True) as inner,
        socket.create_connection(("127.0.0.1", port), SECONDS) as plain,
    ):
        back = threading.Thread(target=pump, args=(plain, inner), daemon=True)
        back.start()
        pump(inner, plain)
        back.join(SECONDS)


@contextlib.contextmanager
def proxy(pem: Path, key: Path, port: int) -> Iterator[int]:
    """A proxy with this certificate in front of a port of this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(
                        target=forward, args=(client, context, port), daemon=True
                    ).start()

        threading.Thread(target=accept, daemon=True).start()
        yield int(listener.getsockname()[1])


def run(aircli: Path, home: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [str(aircli), *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={"HOME": str(home), **env},
    )


def test_https_is_believed_by_its_certificate_alone(
    program: Path, aircli: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    ca, pem, key = certificate(tmp_path)
    with serving(program, data, sources_config()) as process:
        port = int(process.base.rsplit(":", 1)[1])
        with proxy(pem, key, port) as tls:
            there = f"https://localhost:{tls}"
            get = ("get", "/healthz")
            believed = run(aircli, tmp_path, "--url", there, "--ca", str(ca), *get)
            assert (believed.returncode, '"ok"' in believed.stdout) == (0, True), believed
            by_variable = run(aircli, tmp_path, "--url", there, *get, AIR_CA=str(ca))
            assert by_variable.returncode == 0, by_variable
            stranger = run(aircli, tmp_path, "--url", there, *get)
            assert (stranger.returncode, stranger.stdout) == (5, ""), stranger
            assert "certificate" in stranger.stderr, stranger
            named = run(
                aircli, tmp_path, "--url", f"https://127.0.0.1:{tls}", "--ca", str(ca), *get
            )
            assert named.returncode == 5, "the certificate is for another name"
        (tmp_path / "none.pem").write_text("no certificate")
        for name in ("none.pem", "not-there.pem"):
            wrong = run(aircli, tmp_path, "--url", there, "--ca", str(tmp_path / name), *get)
            assert (wrong.returncode, wrong.stdout) == (2, ""), wrong
        plain = run(aircli, tmp_path, "--url", process.base, *get)
        assert plain.returncode == 0, "an http address needs no certificate"
