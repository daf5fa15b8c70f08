"""A client of the page's websocket that speaks as the browser does, and can send again what another one sent."""

import time
from typing import NamedTuple

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection

SECONDS = 30.0
# A script that is done shows nothing more for so long; a message that starts none is answered by nothing at all.
QUIET_SECONDS, SILENT_SECONDS = 0.5, 4.0
RUNS_AGAIN = (ForwardMsg.FINISHED_EARLY_FOR_RERUN,)


class Widget(NamedTuple):
    """A widget on the page, and the part of it that is drawn again when it is used."""

    id: str
    fragment: str


class Client:
    """One session of the page over a websocket."""

    def __init__(self, stream: ClientConnection) -> None:
        self._stream = stream
        self._page = ""
        self.pages: dict[str, str] = {}
        self.widgets: dict[str, Widget] = {}
        self.errors: list[str] = []
        self.sent: list[bytes] = []

    def open(self, page: str = "") -> None:
        """Open the page, or another one by the name in its address."""
        self._page = self.pages.get(page, "")
        self.widgets.clear()
        self._send(BackMsg())

    def press(self, label: str, **typed: str) -> None:
        """Press a button, with texts typed into boxes by their labels."""
        asked, button = BackMsg(), self.widgets[label]
        state = asked.rerun_script.widget_states.widgets.add()
        state.id, state.trigger_value = button.id, True
        asked.rerun_script.fragment_id = button.fragment
        for name, text in typed.items():
            state = asked.rerun_script.widget_states.widgets.add()
            state.id, state.string_value = self.widgets[name.replace("_", " ")].id, text
        self._send(asked)

    def send_again(self, messages: list[bytes]) -> None:
        """Send what another session sent, and wait for each to be done with."""
        for message in messages:
            self._stream.send(message)
            self._read()

    def _send(self, asked: BackMsg) -> None:
        asked.rerun_script.page_script_hash = self._page
        message = asked.SerializeToString() or b"Z\x00"
        self.sent.append(message)
        self._stream.send(message)
        self._read()

    def _read(self) -> None:
        """Take what the page shows until it has shown nothing more for a while; at once less long where it is done."""
        done, quiet, give_up = False, 0.0, time.monotonic() + SECONDS
        while time.monotonic() < give_up:
            try:
                data = self._stream.recv(timeout=QUIET_SECONDS)
            except TimeoutError:
                quiet += QUIET_SECONDS
                if done or quiet >= SILENT_SECONDS:
                    return
                continue
            message = ForwardMsg()
            message.ParseFromString(data if isinstance(data, bytes) else data.encode())
            done, quiet = message.HasField("script_finished") and message.script_finished not in RUNS_AGAIN, 0.0
            self._take(message)
        raise AssertionError("the page did not come to rest")

    def _take(self, message: ForwardMsg) -> None:
        for page in message.navigation.app_pages:
            self.pages[page.url_pathname] = page.page_script_hash
        element, fragment = message.delta.new_element, message.delta.fragment_id
        for kind in ("button", "text_input"):
            if element.HasField(kind):
                widget = getattr(element, kind)
                self.widgets[widget.label.rpartition(": ")[2]] = Widget(widget.id, fragment)
        if element.HasField("exception"):
            self.errors.append(element.exception.message)
        if element.HasField("alert"):
            self.errors.append(element.alert.body)
