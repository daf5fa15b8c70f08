"""A viewer who sends what an operator's browser sends: nothing is written, whatever the message."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.passwords import OPERATOR, VIEWER, Account, save_account
from tests.dashboard.browser.fleet import free_port, running_page
from tests.dashboard.gate.replaying import Client
from tests.dashboard.gate.serving import ANNA, BO, HASHES, ask, open_socket
from tests.dashboard.gate.test_serve import STREAM
from tests.dashboard.views.books import make
from tests.dashboard.views.test_roles import commands

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Guarded:
    """A page with an operator and a viewer, on books that nobody works in."""

    root: Path
    port: int

    def cookie(self, name: str, password: str) -> str:
        answer = ask(self.port, "/login", "POST", {"name": name, "password": password})
        assert answer.status == 303, answer.text
        return answer.cookie

    def commands(self) -> list[tuple]:
        return commands(self.root)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("forged")
    root, passwords, port = make("seeded", folder / "books"), folder / "outside" / "passwords.json", free_port()
    save_account(passwords, Account("anna", OPERATOR, HASHES[ANNA]))
    save_account(passwords, Account("bo", VIEWER, HASHES[BO]))
    with running_page(root, port, passwords):
        yield Guarded(root, port)


def halt(client: Client) -> None:
    client.open("")
    client.open("control")
    client.press("Halt")
    client.press("Halt now", **{"Reason, for the audit trail": "forged", "Type HALT to confirm": "HALT"})


def pause(client: Client) -> None:
    client.open("")
    client.open("control")
    client.press("No entries")
    client.press("No entries now", **{"Reason, for the audit trail": "forged"})


def explain(client: Client) -> None:
    client.open("")
    client.open("decisions")
    client.press("What every rule says now")


@pytest.mark.parametrize("act", [pause, halt, explain])
def test_what_an_operator_sends_writes_nothing_when_a_viewer_sends_it(act, guarded: Guarded) -> None:
    before = guarded.commands()
    with open_socket(guarded.port, STREAM, cookie=guarded.cookie("anna", ANNA)) as stream:
        operator = Client(stream)
        act(operator)
    written = guarded.commands()
    assert len(written) == len(before) + 1 and written[-1][2] == "anna", "an operator's messages must act"
    cookie = guarded.cookie("bo", BO)
    for more in ({}, {"x-flotilla-user": "anna", "x-flotilla-role": "operator", "X_Flotilla_Role": "operator"}):
        with open_socket(guarded.port, STREAM, cookie=cookie, **more) as stream:
            viewer = Client(stream)
            viewer.send_again(operator.sent)
            assert viewer.pages == operator.pages, "the page must have been drawn for the viewer"
            assert not viewer.widgets.keys() & {"No entries", "Halt", "What every rule says now"}
    assert guarded.commands() == written
