"""What is this machine's own, whatever server stands in front of the gate."""

from typing import Any

import pytest
from starlette.datastructures import Headers

from dashboard.gate.origins import from_this_machine, host_allowed, is_loopback

LOCAL = ("127.0.0.1", 5)


@pytest.mark.parametrize(
    ("client", "server", "local"),
    [
        (LOCAL, LOCAL, True),
        (("::1", 5), ("::1", 5), True),
        # `uvicorn dashboard.serving.serve:app --host 0.0.0.0` without a password
        (("192.0.2.1", 5), ("192.0.2.2", 5), False),
        (LOCAL, ("192.0.2.2", 5), False),
        (("192.0.2.1", 5), LOCAL, False),
        (None, LOCAL, False),
        (LOCAL, None, False),
    ],
)
def test_a_connection_is_this_machines_own_when_both_its_ends_are(client: Any, server: Any, local: bool) -> None:
    assert from_this_machine({"client": client, "server": server}, Headers({})) == local


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machines_own_addresses(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.5", "fleet.example", "127.0.0.1.evil.example", ""])
def test_addresses_others_can_reach(address: str) -> None:
    assert not is_loopback(address)


@pytest.mark.parametrize("host", [None, "", "evil.example", "[::1", "127.0.0.1:x", "localhost/x", "a@localhost"])
def test_hosts_that_are_refused(host: str | None) -> None:
    assert not host_allowed(host, ["fleet.example"])
