"""The elements a browser keeps, so that the server may send a reference where one is drawn again as it was."""

from dataclasses import dataclass

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg


@dataclass
class _Kept:
    """`last_run` is the number of the run that used it last."""

    message: ForwardMsg
    last_run: int
    fragment: str


class KeptElements:
    """Keeps what the server calls worth it, until it has not been used for some runs of its own fragment."""

    def __init__(self) -> None:
        self.most_runs = 2
        self._runs = 0
        self._kept: dict[str, _Kept] = {}

    @property
    def hashes(self) -> list[str]:
        """Give what each request says is here."""
        return list(self._kept)

    def keep(self, message: ForwardMsg) -> None:
        """Keep an element, or note that it was used."""
        if message.hash in self._kept:
            self._kept[message.hash].last_run = self._runs
        else:
            self._kept[message.hash] = _Kept(message, self._runs, message.delta.fragment_id)

    def recall(self, reference: str) -> ForwardMsg | None:
        """Give the element that is meant; None where it is not here, which a browser shows as an error."""
        kept = self._kept.get(reference)
        if kept is None:
            return None
        kept.last_run = self._runs
        return kept.message

    def end_run(self, fragments: tuple[str, ...]) -> None:
        """Let go of what was not used lately; what belongs to fragments that did not run does not grow older."""
        self._runs += 1
        for name, kept in list(self._kept.items()):
            may_go = not fragments or kept.fragment in fragments
            if may_go and self._runs - kept.last_run > self.most_runs:
                del self._kept[name]
