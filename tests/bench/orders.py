"""Live orders: how soon after its decision one leaves, that an exit overtakes, a pass over an account, a paper step."""

import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shared.enums import Purpose, Side
from shared.units import MINUTE_MS
from tests.bench.document import table
from tests.bench.live import _open as open_paper
from tests.bench.order_place import BY_SOCKET, IN_PROCESS, Asked, Place, open_place
from tests.orders.harbour import open_harbour
from worker.live.worker import LiveWorker
from worker.orders.lanes import ThreadLanes
from worker.orders.live_order import LiveOrder
from worker.process.garbage import collect, kept_out_of_steps

TITLE = "Live orders"

STEPS, SYMBOLS, BOTS_EACH = 200, 3, 9
# Whether the first bar is one to enter at is a matter of the hour.
WARM_UP = 2
MEDIAN_MS, WORST_MS = 5, 20
COIN = 100_000_000
WAITING, ROUNDS, ANSWER_SECONDS = 20, 20, 0.02
PASSES, PASS_SYMBOLS = 10, 50
PASS_SECONDS, PASS_REQUESTS = 2, 60
PAPER_STEPS, PAPER_RATIO = 400, 1.1


def measure(steps: int = STEPS, rounds: int = ROUNDS, passes: int = PASSES, paper_steps: int = PAPER_STEPS) -> str:
    """Measure each by itself; SQLite is at FULL throughout."""
    with tempfile.TemporaryDirectory() as folder, kept_out_of_steps():
        root = Path(folder)
        return "\n\n".join(
            [
                _decision_to_request(root, steps),
                _overtaking(root, rounds),
                _reconciliations(root, passes),
                _paper(root, paper_steps),
            ]
        )


def _decision_to_request(root: Path, steps: int) -> str:
    rows = []
    for wire in (IN_PROCESS, BY_SOCKET):
        with open_place(root / wire.replace(" ", "-"), wire, SYMBOLS, BOTS_EACH) as place:
            for _ in range(WARM_UP + steps):
                place.step()
                collect()
        found = [waits_ms(decided, asked) for decided, asked in _by_step(place)]
        rows += [
            _row(f"the exchange {wire}: decision to first request", [waits[0] for waits in found]),
            _row("answer to an order, to the request of the next", [more for waits in found for more in waits[1:]]),
            _row("decision to third request, without the two answers", [sum(waits) for waits in found], False),
        ]
    header = ["milliseconds", "median", "at most", "99th percentile", "at most"]
    return (
        f"{SYMBOLS * BOTS_EACH} bots that make {SYMBOLS} orders at each of {steps} steps, SQLite at synchronous=FULL. "
        "The step has decided; then prices are asked, the step is committed, and each order is marked in a transaction "
        "of its own before its first byte leaves. Within an account orders go one after the other.\n\n"
        + table(header, rows)
    )


def waits_ms(decided: float, asked: Sequence[Asked]) -> list[float]:
    """Give for each order of a step the time since the one before was answered, since the decision for the first."""
    orders = [request for request in asked if request.is_order]
    since = [decided, *(order.answered for order in orders[:-1])]
    return [1000.0 * (order.left - before) for before, order in zip(since, orders, strict=True)]


def _by_step(place: Place) -> Iterator[tuple[float, list[Asked]]]:
    ends = [*place.decided[1:], float("inf")]
    for decided, end in list(zip(place.decided, ends, strict=True))[WARM_UP:]:
        asked = [request for request in place.asked if decided <= request.left < end]
        orders = sum(request.is_order for request in asked)
        if orders != SYMBOLS:
            raise RuntimeError(f"a step must send {SYMBOLS} orders, sent {orders}")
        yield decided, asked


def _row(what: str, milliseconds: Sequence[float], is_bound: bool = True) -> list[str]:
    median, worst = np.median(milliseconds), np.percentile(milliseconds, 99)
    if not is_bound:
        return [what, f"{median:.1f}", "", f"{worst:.1f}", ""]
    return [what, _bound(median, MEDIAN_MS, ".1f"), f"{MEDIAN_MS}", _bound(worst, WORST_MS, ".1f"), f"{WORST_MS}"]


def _bound(found: float, most: float, form: str) -> str:
    return f"{found:{form}}" if found <= most else f"**{found:{form}}**"


def _overtaking(root: Path, rounds: int) -> str:
    found = []
    for number in range(rounds):
        folder = root / f"harbour{number}"
        folder.mkdir()
        with open_harbour(folder) as harbour:
            found.append(overtake(harbour))
    positions, waited = zip(*found, strict=True)
    return (
        f"An exit that comes while {WAITING} entries wait, on an exchange that answers after "
        f"{1000 * ANSWER_SECONDS:.0f} ms, in {rounds} rounds: as number {max(positions)} of what waited at worst, "
        f"{np.median(waited):.1f} ms after it was committed at the median and {max(waited):.1f} ms at worst. The order "
        "that was on its way is answered first."
    )


def overtake(harbour: Any) -> tuple[int, float]:
    """Give the place at which an exit leaves while entries wait, 1 for the next, and the milliseconds it waited."""
    lanes, left, is_first_out = ThreadLanes(["main"]), [], threading.Event()
    harbour.desk._lanes = lanes
    send = harbour.account.send

    def slow(*arguments: Any, **options: Any) -> Any:
        left.append((arguments[0].client_order_id, time.perf_counter()))
        is_first_out.set()
        time.sleep(ANSWER_SECONDS)
        return send(*arguments, **options)

    harbour.account.send = slow
    entries = [harbour.order({0: COIN, 1: COIN}) for _ in range(WAITING + 1)]
    leaving = harbour.order({2: COIN}, side=Side.SELL, purpose=Purpose.EXIT, increases=False, reduce_only=True)
    harbour.desk.put(entries)
    is_first_out.wait(10.0)
    began, sent_before = time.perf_counter(), len(left)
    harbour.desk.put([leaving])
    _wait_for(leaving, harbour)
    lanes.close()
    ids = [client_order_id for client_order_id, _ in left]
    at = ids.index(leaving.client_order_id)
    return at - sent_before + 1, 1000.0 * (left[at][1] - began)


def _wait_for(order: LiveOrder, harbour: Any) -> None:
    until = time.monotonic() + 30.0
    while not order.is_over:
        harbour.tend()
        time.sleep(0.005)
        if time.monotonic() > until:
            raise RuntimeError(f"an exit must be over within 30 s, was {order.status}")


def _reconciliations(root: Path, passes: int) -> str:
    rows = []
    for wire in (IN_PROCESS, BY_SOCKET):
        with open_place(root / f"pass-{wire.replace(' ', '-')}", wire, PASS_SYMBOLS, 1) as place:
            for _ in range(WARM_UP):
                place.step()
            found = [_pass(place) for _ in range(passes)]
        seconds, requests = zip(*found, strict=True)
        asked = _bound(max(requests), PASS_REQUESTS, "d")
        taken = _bound(max(seconds), PASS_SECONDS, ".2f")
        rows.append([f"the exchange {wire}", f"{np.median(seconds):.2f}", taken, f"{PASS_SECONDS}", asked])
    header = [f"{PASS_SYMBOLS} symbols", "seconds, median", "worst", "at most", f"requests, at most {PASS_REQUESTS}"]
    return (
        f"A full reconciliation of {PASS_SYMBOLS} symbols that were traded, from the first request until the books "
        f"agree, {passes} times.\n\n{table(header, rows)}\n\nRequests go one after the other, and orders go between "
        "them: an exchange farther away adds its time to answer, as often as it is asked."
    )


def _pass(place: Place) -> tuple[float, int]:
    # Passes a minute apart fit into what an exchange allows.
    place.leap(MINUTE_MS)
    before, began = len(place.asked), time.perf_counter()
    place.agree()
    return time.perf_counter() - began, len(place.asked) - before


class _Nothing:
    """Takes every call and does nothing, as where there were no live orders."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def _paper(root: Path, steps: int) -> str:
    worker = open_paper(root / "paper", ())
    bots = len(worker._fleet.bots)
    ratios = paper_ratios(worker, steps)
    worker.close()
    ratio = _bound(float(np.median(ratios)), PAPER_RATIO, ".3f")
    low, high = np.percentile(ratios, [25, 75])
    return (
        f"A paper step of {bots} bots takes {ratio} times as long with what it does for live orders as without "
        f"(at most {PAPER_RATIO}; median of {steps} pairs, half of them between {low:.2f} and {high:.2f})."
    )


def paper_ratios(worker: LiveWorker, pairs: int) -> list[float]:
    """Step a worker as it is and without all that serves live orders, in turns; give the ratio of each pair."""
    as_it_is = worker._traffic, worker._under_way
    ratios = []
    for pair in range(pairs):
        seconds = {}
        # Whoever is second finds the caches as the first left them.
        for is_live in (True, False) if pair % 2 else (False, True):
            worker._traffic, worker._under_way = as_it_is if is_live else (_Nothing(), _Nothing())  # type: ignore[assignment]
            began = time.perf_counter()
            if worker.step_due(lambda: True) != 1:
                raise RuntimeError("a worker must make 1 step at a time, made none")
            seconds[is_live] = time.perf_counter() - began
        ratios.append(seconds[True] / seconds[False])
        worker._traffic, worker._under_way = as_it_is
        worker.beat()
        collect()
    return ratios
