"""Whether the page that answers at an address is a project's own.

Whoever is first may listen on a port. So nobody is sent there with a link before the page has proved that it has the
cookie secret, which its owner alone can read.
"""

import hmac
import secrets
import socket
import time
from pathlib import Path

from shared.cookie_secret import find_secret, secret_path
from shared.errors import FlotillaError
from shared.passwords import password_path
from shared.settings import DashboardSettings

PROOF_PATH = "/proof"
PARAMETER = "nonce"
_NONCE_BYTES = 32
NONCE_LENGTH = 2 * _NONCE_BYTES
ANSWER_SECONDS = 5.0
_LONGEST_ANSWER = 65_536


class NoOwnPage(FlotillaError):
    """Nothing answers where the page should be, or something else does."""

    exit_code = 69


def page_address(address: str, port: int) -> str:
    """Write the address people open."""
    # What is every address of this machine is none to open.
    host = {"0.0.0.0": "localhost", "::": "localhost"}.get(address, address)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def proof(secret: str, nonce: str, address: str, port: int) -> str:
    """Give what the page that listens there answers to a nonce.

    It names the place, so that nobody who listens elsewhere can pass on what the page answers.
    """
    return hmac.new(secret.encode(), f"page {nonce} {address} {port}".encode(), "sha256").hexdigest()


def find_own_page(root: Path, dashboard: DashboardSettings) -> str:
    """Give the address at which a project's own page answers, in numbers; raises NoOwnPage."""
    secret = find_secret(secret_path(password_path(dashboard.password_file, root)))
    nonce = secrets.token_hex(_NONCE_BYTES)
    place = page_address(dashboard.address, dashboard.port)
    try:
        (address, port), answer = _asked(dashboard, nonce)
    except OSError as error:
        raise NoOwnPage(f"nothing answers at {place}, so there is no link: `make run` starts the page") from error
    if secret is None or proof(secret, nonce, address, port).encode() not in answer:
        raise NoOwnPage(f"what listens at {place} does not answer as this project's page, so there is no link")
    # By its number: a name may lead a browser to another address of the machine, where somebody else listens.
    return page_address(address, port)


def _asked(dashboard: DashboardSettings, nonce: str) -> tuple[tuple[str, int], bytes]:
    """Ask, and give who was asked and all that came back in time."""
    give_up = time.monotonic() + ANSWER_SECONDS
    answer = b""
    with socket.create_connection((dashboard.address, dashboard.port), ANSWER_SECONDS) as line:
        address, port = line.getpeername()[:2]
        host = page_address(address, port).partition("//")[2]
        asked = f"GET {PROOF_PATH}?{PARAMETER}={nonce} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        line.sendall(asked.encode())
        while len(answer) < _LONGEST_ANSWER and (left := give_up - time.monotonic()) > 0:
            line.settimeout(left)
            try:
                part = line.recv(4_096)
            except OSError:
                break
            if not part:
                break
            answer += part
    return (address, port), answer
