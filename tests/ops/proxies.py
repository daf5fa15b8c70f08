"""The files of `ops/` in use: nginx and Caddy as processes of their own before a page, on free ports."""

import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.sync.client import connect

from tests.conftest import ROOT
from tests.dashboard.gate.process import free_port
from tests.process.running import wait_for

NAME = "fleet.example"
NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/flotilla.conf;
}}
"""


@dataclass(frozen=True)
class Proxy:
    """One that runs, and the file it records requests in."""

    plain_port: int
    port: int
    log: Path

    def ask(self, path: str, method: str = "GET", *, plain: bool = False, **options: object) -> httpx.Response:
        """Send a request by the name the proxy goes by; redirects are not followed."""
        headers = {"Host": NAME, **options.pop("headers", {})}
        url = f"http://127.0.0.1:{self.plain_port}{path}" if plain else f"https://127.0.0.1:{self.port}{path}"
        with httpx.Client(verify=_unchecked(), timeout=20.0, trust_env=False) as client:
            return client.request(method, url, headers=headers, extensions={"sni_hostname": NAME}, **options)

    def websocket(self, path: str, cookie: str, origin: str = f"https://{NAME}") -> connect:
        """Open a websocket, as a context."""
        return connect(
            f"wss://{NAME}{path}",
            address=("127.0.0.1", self.port),
            ssl=_unchecked(),
            server_hostname=NAME,
            origin=origin,
            additional_headers={"Cookie": cookie},
            proxy=None,
            open_timeout=10,
        )


@contextmanager
def nginx(folder: Path, page_port: int) -> Iterator[Proxy]:
    """Run nginx with the file of `ops/`."""
    program = _found("nginx")
    certificate, key = make_certificate(folder)
    proxy = Proxy(free_port(), free_port(), folder / "flotilla.log")
    changes = {
        "listen 80;": f"listen 127.0.0.1:{proxy.plain_port};",
        "listen 443 ssl;": f"listen 127.0.0.1:{proxy.port} ssl;",
        "/etc/ssl/fleet.example/fullchain.pem": str(certificate),
        "/etc/ssl/fleet.example/privkey.pem": str(key),
        "/var/log/nginx/flotilla.log": str(proxy.log),
        "http://127.0.0.1:8501": f"http://127.0.0.1:{page_port}",
    }
    (folder / "flotilla.conf").write_text(changed(ROOT / "ops" / "nginx.conf", changes))
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder))
    with _running([program, "-p", str(folder), "-c", str(folder / "nginx.conf")], folder, proxy):
        yield proxy


@contextmanager
def caddy(folder: Path, page_port: int) -> Iterator[Proxy]:
    """Run Caddy with the file of `ops/`, with a certificate of our own in place of one it would ask for."""
    program = _found("caddy")
    certificate, key = make_certificate(folder)
    proxy = Proxy(free_port(), free_port(), folder / "flotilla.log")
    changes = {
        "{\n\tservers {": f"{{\n\tadmin off\n\thttp_port {proxy.plain_port}\n\thttps_port {proxy.port}\n\tservers {{",
        "fleet.example {": f"fleet.example {{\n\tbind 127.0.0.1\n\ttls {certificate} {key}",
        "/var/log/caddy/flotilla.log": str(proxy.log),
        "127.0.0.1:8501": f"127.0.0.1:{page_port}",
    }
    (folder / "Caddyfile").write_text(changed(ROOT / "ops" / "Caddyfile", changes))
    with _running([program, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"], folder, proxy):
        yield proxy


def changed(file: Path, changes: dict[str, str]) -> str:
    """Give a file with places and ports of this machine; each of the changes must be for something that is there."""
    text = file.read_text()
    for old, new in changes.items():
        assert len(re.findall(re.escape(old), text)) == 1, f"{file.name} must hold {old!r} once"
        text = text.replace(old, new)
    return text


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pkcs8 = serialization.PrivateFormat.PKCS8
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
    return certificate_file, key_file


def _found(program: str) -> str:
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed: apt install {program}")
    return found


@contextmanager
def _running(command: list[str], folder: Path, proxy: Proxy) -> Iterator[None]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)
    try:
        wait_for(lambda: process.poll() is not None or _answers(proxy), 20.0)
        assert process.poll() is None, (folder / "said").read_text()
        yield
    finally:
        process.terminate()
        process.wait(10)


def _answers(proxy: Proxy) -> bool:
    try:
        return proxy.ask("/healthz").status_code in (200, 403, 503)
    except httpx.HTTPError:
        return False


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
