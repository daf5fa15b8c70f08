"""What each column of a table is called, what it means and how its values are written: once for all pages."""

from typing import NamedTuple

# How a column is written where that depends on what is in the books: by the money they count in, by the symbol of the
# row, or by its own values.
MONEY, SIGNED, FEE, PRICE, QUANTITY, MEASURED = "money", "signed", "fee", "price", "quantity", "measured"
PERCENT, SIGNED_PERCENT, BASIS_POINTS = "percent", "signed_percent", "basis_points"
COUNT, EXPOSURE, RATIO, HOURS = "count", "exposure", "ratio", "hours"


class Number(NamedTuple):
    """A column of numbers: its title, how it is written, what it means, and whether its rows add up to a total."""

    title: str
    style: str
    note: str
    adds_up: bool = False


NUMBERS: dict[str, Number] = {
    "actual_share": Number("Holds", PERCENT, "The share of the portfolio's equity it has.", True),
    "allocation": Number("Allocation", MONEY, "The money it is to hold.", True),
    "amount": Number("Amount", SIGNED, "What was moved: into the bot or the portfolio with +, out of it with −."),
    "best_fraction": Number("Best", SIGNED_PERCENT, "How far the price went its way at most, from the entry."),
    "best_price": Number("Best price", PRICE, "The price that was best for the position since it was opened."),
    "close": Number("Last price", PRICE, "The close of the newest bar."),
    "confirmed": Number("Exposure", EXPOSURE, "Confirmed exposure: −1 is fully short, 1 fully long."),
    "count": Number("Round trips", COUNT, "Round trips that were closed.", True),
    "crossed": Number("Crossed", QUANTITY, "The part that was traded with another bot in house, at no fee."),
    "crossed_notional": Number("Crossed in house", MONEY, "Worth of what bots traded with one another.", True),
    "days": Number("Days", COUNT, "Days that are counted in it.", True),
    "difference": Number("Difference", SIGNED, "Equity less allocation.", True),
    "difference_fraction": Number("Difference, %", SIGNED_PERCENT, "The difference as a share of the allocation."),
    "distance_fraction": Number("To exit", PERCENT, "How far the last price is from the exit level."),
    "drawdown_fraction": Number("Drawdown now", PERCENT, "How far equity is below its highest so far."),
    "entry_price": Number("Entry", PRICE, "The mean price it was opened at."),
    "equity": Number("Equity", MONEY, "Its money with open positions at the last price.", True),
    "exit_level": Number("Exit level", PRICE, "The stop or the trailing stop, whichever is nearer; – where none is."),
    "exit_price": Number("Exit", PRICE, "The mean price it was closed at."),
    "expectancy": Number("Expectancy", SIGNED, "The mean profit of a round trip, after fees."),
    "fee": Number("Fee", FEE, "What the exchange took for it.", True),
    "fees": Number("Fees", MONEY, "What the exchange took.", True),
    "filled_quantity": Number("Filled", QUANTITY, "How much of the quantity was filled."),
    "fills": Number("Fills", COUNT, "In how many parts it was traded.", True),
    "first_limit": Number("Limit at first", MEASURED, "What it was held against at the first of these steps."),
    "first_value": Number("Measured at first", MEASURED, "What the reason measured at the first of these steps."),
    "funding": Number("Funding", SIGNED, "Paid (−) or received (+) for holding perpetual contracts.", True),
    "gross": Number("Gross", MONEY, "Long and short together, whatever their sign.", True),
    "gross_profit": Number("Gross profit", SIGNED, "Profit before fees and funding.", True),
    "high": Number("Band high", EXPOSURE, "The most exposure its strategy wants: 1 is fully long."),
    "last_limit": Number("Limit", MEASURED, "What it was held against at the last of these steps."),
    "last_value": Number("Measured", MEASURED, "What the reason measured at the last of these steps."),
    "left_fraction": Number("Left", PERCENT, "How much further it may go before the brake stops trading."),
    "limit": Number("Limit", MEASURED, "What it was held against."),
    "limit_fraction": Number("Limit", PERCENT, "Where the brake stops trading."),
    "long": Number("Long", MONEY, "Worth of what is held long.", True),
    "low": Number("Band low", EXPOSURE, "The least exposure its strategy wants: −1 is fully short."),
    "max_drawdown_fraction": Number("Deepest drawdown", PERCENT, "The furthest equity was below its highest."),
    "money_in": Number("Put in", MONEY, "Deposits and transfers in, less what was taken out.", True),
    "net": Number("Net", SIGNED, "Long less short.", True),
    "notional": Number("Worth", MONEY, "Quantity times price; of a short position with −.", True),
    "of_equity": Number("Of equity", PERCENT, "Gross exposure as a share of the portfolio's equity.", True),
    "open_slippage": Number(
        "Against open, bp",
        BASIS_POINTS,
        "How much worse the price was than the open of the bar that the order was for, in hundredths of a percent; − "
        "is better. – for protective exits, and until the bar has closed.",
    ),
    "open_profit": Number("Open profit", SIGNED, "Of positions that are open, at the last price.", True),
    "ordered": Number("With an order", COUNT, "Steps in which an order was made.", True),
    "period_fees": Number("Fees in period", MONEY, "What the exchange took in the period picked.", True),
    "period_profit": Number(
        "Profit in period", SIGNED, "After fees; of open positions what changed in the period.", True
    ),
    "position": Number("Position", QUANTITY, "What is held, in the coin itself; short with −."),
    "positions": Number("Positions", COUNT, "How many are open.", True),
    "price": Number("Price", PRICE, "What one coin cost."),
    "profit": Number("Profit", SIGNED, "After fees.", True),
    "profit_factor": Number("Profit factor", RATIO, "All gains divided by all losses."),
    "profit_so_far": Number("Profit so far", SIGNED, "Since the start, after fees, with open positions.", True),
    "quantity": Number("Quantity", QUANTITY, "In the coin itself; what was sold, or is held short, with −."),
    "realised_profit": Number("Realised", SIGNED, "Of what was closed.", True),
    "return_fraction": Number("Return", SIGNED_PERCENT, "Profit as a share of the money it was made with."),
    "risk": Number("At risk", MONEY, "What is lost from here if it is closed at its exit level.", True),
    "round_trips": Number("Round trips", COUNT, "Round trips that were closed.", True),
    "saved": Number("Saved", MONEY, "Fees and slippage that trading in house saved.", True),
    "sending_slippage": Number(
        "Against sending, bp",
        BASIS_POINTS,
        "How much worse the price was than the best one when the order left (the ask of a buy, the bid of a sell), in "
        "hundredths of a percent; − is better. – on paper, where nothing leaves.",
    ),
    "short": Number("Short", MONEY, "Worth of what is held short.", True),
    "step": Number("Step", COUNT, "The step of the worker it happened in."),
    "steps": Number("Steps", COUNT, "How many steps in a row, or in all, this was so.", True),
    "stop_price": Number("Stop", PRICE, "Where the stop closes it; – where it has none."),
    "symbol_days": Number("Symbol-days", COUNT, "Days with a round trip, counted for each symbol."),
    "target_share": Number("Is to hold", PERCENT, "The share of the portfolio's equity it is to have.", True),
    "traded_notional": Number("Traded", MONEY, "Worth of all that was bought and sold.", True),
    "trailing_price": Number("Trailing stop", PRICE, "Where the trailing stop closes it; – before it is armed."),
    "trials": Number("Counted", COUNT, "What the interval counts: symbol-days, or the round trips of one bot."),
    "value": Number("Measured", MEASURED, "What was measured."),
    "value_fraction": Number("Now", PERCENT, "How far it has gone."),
    "weight": Number("Weight", PERCENT, "The share of the portfolio's money it is to hold.", True),
    "win_rate": Number("Win rate", PERCENT, "The share of round trips that earned money after fees."),
    "win_rate_high": Number("Win rate, high", PERCENT, "Upper end of the 95% interval of the win rate."),
    "win_rate_low": Number("Win rate, low", PERCENT, "Lower end of the 95% interval of the win rate."),
    "wins": Number("Won", COUNT, "Round trips that earned money after fees.", True),
    "worst_fraction": Number("Worst", SIGNED_PERCENT, "How far the price went against it at most, from the entry."),
    "worst_price": Number("Worst price", PRICE, "The price that was worst for the position since it was opened."),
    "duration_ms": Number("Held, h", HOURS, "From the first fill to the last."),
    "late_ms": Number("Late, h", HOURS, "How long after its close the bar came."),
}

WORDS: dict[str, str] = {
    "account": "Account",
    "answer": "Answer",
    "bot": "Bot",
    "brake": "Brake",
    "cause": "Set by",
    "changes": "What changed",
    "client_order_id": "Order",
    "command_id": "Number",
    "digest": "Digest",
    "exit_reason": "Closed by",
    "fee_currency": "Fee in",
    "kind": "Kind",
    "label": "Group",
    "leg": "Opens or closes",
    "level": "Level",
    "limit_said": "Limit",
    "meaning": "What it means",
    "measured": "Measured",
    "message": "What happened",
    "own_level": "Its own level",
    "parameter": "Parameter",
    "parameters": "Parameters",
    "reason": "Reason",
    "row": "Decided",
    "scope": "Name",
    "scope_kind": "For",
    "setting": "Setting",
    "severity": "Severity",
    "side": "Side",
    "sleeve": "Sleeve",
    "status": "Status",
    "stops": "Now",
    "symbol": "Symbol",
    "trigger": "Why",
    "value": "Value",
    "what": "What",
    "who": "Who",
}
# Times of the market, that is of bars; and of the clock on the wall, which a simulated market leaves behind.
TIMES: dict[str, str] = {
    "closed_ms": "Closed",
    "decided_ms": "Decided",
    "done_ms": "Done",
    "from_ms": "From",
    "last_fill_ms": "Last fill",
    "open_ms": "Bar opened",
    "opened_ms": "Opened",
    "sent_ms": "Sent",
    "time_ms": "Time",
    "until_ms": "Until",
}
WALL_TIMES: dict[str, str] = {
    "answered_ms": "Answered",
    "asked_ms": "Asked",
    "first_ms": "First start",
    "last_ms": "Latest start",
    "since_ms": "Since",
    "taken_ms": "Taken",
    "wall_ms": "At",
}
UTC_DAY = "day_ms"
# Of the closed vocabularies, shown as words; names and free text stay as they are.
VOCABULARY = frozenset(
    (
        *("brake", "cause", "exit_reason", "kind", "leg", "level", "own_level", "reason", "scope_kind", "severity"),
        *("side", "status", "trigger", "what"),
    )
)
# Texts that are sentences: they take several lines.
LONG = frozenset(("answer", "changes", "meaning", "message", "setting"))
