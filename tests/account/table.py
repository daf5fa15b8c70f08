"""The table of quirks in docs/live.md, as the rows say it: `python -m tests.account.table` writes it anew."""

from pathlib import Path

from worker.exchange.quirks import ByName, Duplicates, Quirks
from worker.exchange.table import QUIRKS

PAGE = Path(__file__).parents[2] / "docs" / "live.md"
BEGIN, END = "<!-- exchanges begin: written by python -m tests.account.table -->", "<!-- exchanges end -->"
COLUMNS = (
    "exchange",
    "type",
    "client id",
    "found by it",
    "cancelled by it",
    "the same id again",
    "market buys",
    "a request is good for",
    "testnet",
    "not verified",
)
FOUND = {
    ByName.PARAMETER: "yes",
    ByName.ID: "yes",
    ByName.LISTS: "in lists narrowed to it",
    ByName.NOT: "no: lists are read",
}
CANCELLED = {ByName.PARAMETER: "yes", ByName.ID: "yes", ByName.NOT: "no: by the exchange's id"}
AGAIN = {
    Duplicates.REFUSED: "refused",
    Duplicates.REFUSED_WHILE_OPEN: "refused while the first is open",
    Duplicates.RETURNED: "the first is answered",
    Duplicates.NOT_SAID: "not known",
}


def row_of(quirks: Quirks, kinds: list[str]) -> str:
    window, sandbox = quirks.finality.window_ms, quirks.sandbox
    good_for = f"{window / 1000:g} s" if window else f"not said: {quirks.finality.bound_ms / 1000:g} s are waited out"
    testnet = "none" if sandbox is None else f"header `{sandbox.header}`" if sandbox.header else f"`{sandbox.hosts[0]}`"
    cells = (
        quirks.exchange,
        ", ".join(kinds),
        f"`{quirks.id_on_the_wire}`{f', `{quirks.id_prefix}` before it' if quirks.id_prefix else ''}",
        FOUND[quirks.look_up_by],
        CANCELLED[quirks.cancel_by],
        AGAIN[quirks.duplicates],
        "by their value" if quirks.buys_in_quote else "by quantity",
        good_for,
        testnet,
        ", ".join(quirks.not_verified),
    )
    return f"| {' | '.join(cells)} |"


def table() -> str:
    """Give the table, rows that are alike but for their type together."""
    kinds: dict[str, list[str]] = {}
    for quirks in QUIRKS:
        kinds.setdefault(row_of(quirks, ["…"]), []).append(quirks.kind)
    rows = [line.replace("| … |", f"| {', '.join(of)} |", 1) for line, of in kinds.items()]
    return "\n".join((f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}", *rows))


def written(page: str) -> str:
    """Give the page with the table of today."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
