"""The invariants of live orders, held against the exchange's own record and the books' tables, not the worker."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction

from tests.exchange import record
from tests.simulation.world import ACCOUNT, INSTALLATION, Sent, World

OWN = "w" + INSTALLATION[:4]
FINAL = ("FILLED", "REJECTED", "CANCELLED", "ABSENT")
# An order leaves within so long of the look at the levels and the lease.
LEAVES_WITHIN_MS = 1_000
# An answer takes 20 ms where nothing is wrong.
LATENCY_MS = 25
NAME_CHARACTERS = 18
HOLDS = {"PAUSE": 1, "FLATTEN": 2, "HALT": 3}


def broken(world: World) -> list[str]:
    """Give what does not hold, a sentence each."""
    checks: tuple[Callable[[World], Iterator[str]], ...] = (
        _fates, _quantities, _trades, _shares, _exits, _levels, _fences, _strangers, _secrets,
    )  # fmt: skip
    record.check(world.exchange)
    return [f"{check.__name__.strip('_')}: {said}" for check in checks for said in check(world)]


def _known(world: World) -> dict[str, list[record.OrderRow]]:
    """Give our orders on the exchange by our name, without what an exchange puts before it."""
    found: dict[str, list[record.OrderRow]] = defaultdict(list)
    for name, rows in record.orders_by_client_id(world.exchange, world.account).items():
        if name.removeprefix("t-").startswith(OWN):
            found[name.removeprefix("t-")] += rows
    return found


def _doubled(world: World) -> set[str]:
    """Name the orders that the network delivered twice: an exchange that takes a name again has two of them."""
    return {name for name, sent in _placed(world) if sent.is_doubled}


def _units(world: World) -> dict[str, Fraction]:
    rows = world.rows("SELECT symbol, coins_per_unit, units_per_coin FROM market_state WHERE account = ?", ACCOUNT)
    return {symbol: Fraction(coins) / Fraction(units) for symbol, coins, units in rows}


def _fates(world: World) -> Iterator[str]:
    """Hold every intention to one order on the exchange, or provably none (invariant 1)."""
    known, units, doubled = _known(world), _units(world), _doubled(world)
    asked = world.rows('SELECT client_order_id, status, symbol, filled_units, exchange_id FROM "order"')
    for name, status, symbol, filled, exchange_id in asked:
        there = known.pop(name, [])
        if status not in FINAL:
            yield f"{name} must have ended, is {status}"
        if len(there) > 1 and name not in doubled:
            yield f"{name} must be on the exchange once, is there {len(there)} times"
        if status in ("ABSENT", "REJECTED") and there:
            yield f"{name} is {status} in the books and {there[0].status} on the exchange"
        if status == "FILLED" and not there:
            yield f"{name} is FILLED in the books and not on the exchange"
        if (exchange_id is not None) != bool(there):
            yield f"{name} must be on the exchange where the books have its id {exchange_id!r}, is there {len(there)}"
        done = sum((Fraction(row.filled) for row in there), Fraction(0))
        if done != filled * units[symbol]:
            yield f"{name} was filled {float(done)} on the exchange, {float(filled * units[symbol])} in the books"
    for name in known:
        yield f"{name} is on the exchange and not in the books"


def _quantities(world: World) -> Iterator[str]:
    """Hold the books' quantity of each symbol to the exchange's (invariant 2), but for what strangers traded."""
    units = _units(world)
    booked = dict(
        world.rows(
            """SELECT bot.symbol, sum(bot_state.units) FROM bot JOIN bot_state ON bot_state.bot_id = bot.id
               GROUP BY bot.symbol"""
        )
    )
    held = _held(world)
    for symbol, listed in world.venue.listed.items():
        ours = booked.get(symbol, 0) * units.get(symbol, Fraction(1))
        if ours != held[listed]:
            yield f"{symbol}: the books hold {float(ours)}, the exchange {float(held[listed])}"


def _held(world: World) -> dict[str, Fraction]:
    """Give what the account holds of each symbol by its balances and positions, less what strangers traded of it."""
    held = dict.fromkeys(world.venue.listed.values(), Fraction(0))
    positions = record.positions(world.exchange, world.account)
    wallet = world.account.wallet(world.venue.product)
    balances = record.balances(world.exchange, world.account)
    for listed in held:
        base = world.exchange.listing_of(listed).base
        if world.venue.type == "swap":
            held[listed] += sum(Fraction(amount) for (name, _), amount in positions.items() if name == listed)
        else:
            held[listed] += sum(map(Fraction, balances.get((wallet, base), (Decimal(0),))))
    for trade in record.trades(world.exchange, world.account):
        if not trade.client_id.removeprefix("t-").startswith(OWN) and trade.product == world.venue.product:
            sign = 1 if trade.side == "buy" else -1
            fee = trade.fee if trade.fee_coin == world.exchange.listing_of(trade.symbol).base else Decimal(0)
            held[trade.symbol] -= sign * Fraction(trade.quantity) - Fraction(fee)
    return held


def _trades(world: World) -> Iterator[str]:
    """Hold the books' trades to the exchange's, one to one and to the last digit."""
    names = {listed: symbol for symbol, listed in world.venue.listed.items()}
    theirs = Counter(
        (names[row.symbol], row.client_id.removeprefix("t-"), row.quantity.normalize(), row.price.normalize(),
         row.fee.normalize(), row.fee_coin)
        for row in record.trades(world.exchange, world.account)
        if row.client_id.removeprefix("t-").startswith(OWN)
    )  # fmt: skip
    ours = Counter(
        (symbol, name, Decimal(quantity).normalize(), Decimal(price).normalize(), Decimal(fee).normalize(), coin)
        for symbol, name, quantity, price, fee, coin in world.rows(
            "SELECT symbol, client_order_id, quantity, price, fee, fee_coin FROM trade"
        )
    )
    for trade in (theirs - ours).elements():
        yield f"the exchange has a trade that the books have not: {trade}"
    for trade in (ours - theirs).elements():
        yield f"the books have a trade that the exchange has not: {trade}"


def _shares(world: World) -> Iterator[str]:
    """Hold bots' fills to trades, and those to the orders' filled quantities (invariant 3)."""
    filled = dict(
        world.rows(
            """SELECT client_order_id, sum(abs(units)) FROM fill
               WHERE client_order_id IS NOT NULL AND exchange_trade_id != '' GROUP BY 1"""
        )
    )
    traded = dict(world.rows("SELECT client_order_id, sum(units) FROM trade GROUP BY 1"))
    shared = dict(world.rows("SELECT client_order_id, sum(filled_units) FROM order_share GROUP BY 1"))
    in_coins, unit = _fees_in_coins(world), _units(world)
    for name, symbol, units in world.rows('SELECT client_order_id, symbol, filled_units FROM "order"'):
        # What a fee takes of the coins that were bought, nobody holds.
        got = filled.get(name, 0) + in_coins.get(name, Fraction(0)) / unit[symbol]
        sums = (got, traded.get(name, 0), shared.get(name, 0))
        if set(sums) != {units}:
            said = f"its fills sum to {float(got)}, trades {sums[1]}, shares {sums[2]}"
            yield f"{name} was filled {units} units, {said}"


def _fees_in_coins(world: World) -> dict[str, Fraction]:
    fees: dict[str, Fraction] = defaultdict(Fraction)
    for name, symbol, fee, coin in world.rows("SELECT client_order_id, symbol, fee, fee_coin FROM trade"):
        if coin == symbol.partition("/")[0]:
            fees[name] += Fraction(Decimal(fee))
    return fees


def _exits(world: World) -> Iterator[str]:
    """Hold what only reduces to do so: sent twice it would open the other side."""
    held: dict[int, int] = defaultdict(int)
    doubled = _doubled(world)
    for bot, units, name, increases in world.rows(
        """SELECT bot_id, fill.units, fill.client_order_id, increases FROM fill
           LEFT JOIN "order" ON "order".client_order_id = fill.client_order_id ORDER BY fill.id"""
    ):
        before, after = held[bot], held[bot] + units
        if increases == 0 and name not in doubled and (abs(after) > abs(before) or before * after < 0):
            yield f"{name} may only reduce what bot {bot} holds, {before} became {after}"
        held[bot] = after


def _levels(world: World) -> Iterator[str]:
    """Hold what left to the levels that people had asked for by then (invariant 4)."""
    held = _held_by_people(world)
    bots = defaultdict(list)
    for name, bot, sleeve in world.rows(
        """SELECT client_order_id, bot.name, sleeve.name FROM order_share
           JOIN bot ON bot.id = bot_id JOIN sleeve ON sleeve.id = bot.sleeve_id"""
    ):
        bots[name] += [("PORTFOLIO", ""), ("BOT", bot), ("SLEEVE", sleeve)]
    increases = dict(world.rows('SELECT client_order_id, increases FROM "order"'))
    for name, sent in _placed(world):
        level = max(
            (
                number
                for scope in bots[name]
                for since_ms, until_ms, number in held[scope]
                if since_ms + LEAVES_WITHIN_MS < sent.time_ms < until_ms
            ),
            default=0,
        )
        if level == 3 or (level >= 1 and increases.get(name)):
            yield f"{name} left at {sent.time_ms} while {'entries were stopped' if level < 3 else 'all was halted'}"


def _held_by_people(world: World) -> dict[tuple[str, str], list[tuple[int, int, int]]]:
    """Give when each scope was held at which level by a person's word, from when it was asked."""
    held: dict[tuple[str, str], list[tuple[int, int, int]]] = defaultdict(list)
    since: dict[tuple[str, str], tuple[int, int]] = {}
    for kind, scope_kind, scope, asked_ms, answered_ms, answer in world.rows(
        """SELECT kind, scope_kind, scope, asked_ms, answered_ms, answer FROM command
           WHERE status = 'DONE' ORDER BY answered_ms, id"""
    ):
        place = (scope_kind, scope)
        if place in since and (kind in HOLDS or (kind == "RELEASE" and "cause PERSON" in answer)):
            held[place].append((since[place][0], answered_ms, since[place][1]))
            del since[place]
        if kind in HOLDS:
            since[place] = (asked_ms, HOLDS[kind])
    for place, (asked_ms, level) in since.items():
        held[place].append((asked_ms, 2**62, level))
    return held


def _placed(world: World) -> Iterator[tuple[str, Sent]]:
    """Give the requests that place orders, with the order's name."""
    for sent in world.sent:
        if sent.method == "POST" and "ancel" not in sent.text and (at := sent.text.find(OWN)) >= 0:
            yield sent.text[at : at + NAME_CHARACTERS], sent


def _fences(world: World) -> Iterator[str]:
    """Hold the exchange to orders of processes that had the lease when the exchange took them (invariant 4)."""
    known = _known(world)
    for name, sent in _placed(world):
        later = [at_ms for number, at_ms in world.leased_ms.items() if number > sent.process and at_ms < sent.time_ms]
        taken = [row for row in known.get(name, []) if sent.time_ms <= row.time_ms <= sent.time_ms + LATENCY_MS]
        if later and taken:
            yield f"{name} left by process {sent.process} at {sent.time_ms}, another had the lease since {min(later)}"


def _strangers(world: World) -> Iterator[str]:
    """Hold orders that are not ours to be left alone, but for what a suspension of trading ends."""
    for name, rows in record.orders_by_client_id(world.exchange, world.account).items():
        for row in rows:
            if not name.removeprefix("t-").startswith(OWN) and row.status == "CANCELED":
                yield f"order {name} of somebody else was cancelled"


def _secrets(world: World) -> Iterator[str]:
    """Look for keys and signatures in everything that was written (invariant 7)."""
    secrets = {world.account.key.api_key, world.account.key.secret}
    for sent in world.sent[:: max(1, len(world.sent) // 200)]:
        for mark in ("signature=", "'SIGN': '", "'X-BAPI-SIGN': '"):
            if mark in sent.text:
                secrets.add(sent.text.partition(mark)[2][:32])
    for path in sorted(world.root.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            found = sum(secret.encode() in content for secret in secrets)
            if found:
                yield f"{path.name} must hold no key and no signature, has {found}"
