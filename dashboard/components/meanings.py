"""What each tile means: one definition for each, which stands behind the question mark beside its name."""

MEANS = {
    "Equity": (
        "What all of it is worth: money, and open positions at the last price. Beneath it the profit since the start, "
        "and what was put in, less what was taken out."
    ),
    "Profit today, UTC": (
        "How equity changed since 00:00 UTC{local}, without what was put in or taken out; as money, as a share of what "
        "the day began with, and how much more may be lost before the daily limit stops new entries."
    ),
    "Loss today, UTC": (
        "How far equity fell since 00:00 UTC, as a share of what the day began with; and how much more may be lost "
        "before the daily limit stops new entries until the next 00:00 UTC."
    ),
    "Drawdown now": (
        "How far equity is below its highest, as a share of that. Put in and taken out are left out. The brake stops "
        "trading when it reaches its limit."
    ),
    "Deepest drawdown": (
        "The furthest equity was below the highest before it since the period began, {marked}. It lasted from that "
        "highest until equity was as high again, or until now."
    ),
    "Open profit": "What open positions would earn if they were closed at the last price, after the fees paid so far.",
    "Win rate": (
        "The share of closed round trips that earned money after fees. Beneath it the 95% Wilson interval, the range "
        "the true rate likely lies in, {counted}."
    ),
    "Exposure": (
        "What is held, long and short added up, as a share of equity. Net is long less short: what is left when a long "
        "and a short of the same worth cancel out."
    ),
    "Fees today": "What the exchange took for fills since 00:00 UTC, how many they were, and all fees since the start.",
    "Saved by netting so far": (
        "Where one bot buys what another sells, they trade with one another and not at the exchange: the fees and the "
        "slippage that this saved."
    ),
    "Profit": "What closed round trips earned: before fees, the fees, and what was left.",
    "Profit factor": "All gains divided by all losses; above 1 more was gained than lost.",
    "Expectancy": "The mean profit of a round trip after fees; with the best, the worst and how long one took.",
    "Return": (
        "Profit as a share of the money it was made with: what is put in or taken out counts as neither gain nor loss."
    ),
    "Sharpe ratio": (
        "The mean daily return divided by how much daily returns vary, over a year. Sortino counts only losses as "
        "variation; Calmar is the return of a year divided by the deepest drawdown."
    ),
    "Value at risk, one day": (
        "The loss of a day that, by the days so far, is exceeded on 1 day in 100. Volatility is how much daily returns "
        "vary, over a year. {days}."
    ),
    "Lost if every stop is hit": (
        "What open positions lose from here if each is closed at its exit level. Those without a stop are left out."
    ),
    "Level": (
        "What is allowed here: trading, no entries, flatten or halted. The strictest of its own level and those above "
        "it rules."
    ),
    "Open positions": "How many bots here hold something.",
    "Worth of open positions": "What is held here, long and short added up, at the last price.",
    "Profit in the period": (
        "How equity changed from the first mark of the period to the last, without what was put in or taken out, as "
        "money and as a share. The charts below cover the same time."
    ),
    "Held by all bots, net": (
        "What all bots together hold of it now, in the coin itself: long less short. Long and short are worth so many "
        "{quote} at the last price."
    ),
    "Profit of a symbol": (
        "Of all bots that trade it, from the first mark of the period to the last, after fees, with open positions."
    ),
    "Crossed in house": (
        "What bots bought from and sold to one another, free of fee and slippage. Buys and sells are both counted."
    ),
    "Slippage against sending": (
        "How much worse fills were than the best price when their orders left: the ask of a buy, the bid of a sell. In "
        "hundredths of a percent of what was traded, − is better. On paper nothing leaves, so there is none."
    ),
    "Slippage against the open": (
        "How much worse fills were than the open of the bar that their orders were for, at which the backtest fills "
        "them. In hundredths of a percent of what was traded, − is better. Protective exits are left out, and fills "
        "of a bar that has not closed yet."
    ),
    "Put in": "All deposits less all withdrawals, since the start.",
    "Saved in this period": "Fees and slippage that trading in house saved in the period picked.",
}


def means(tile: str, **said: str) -> str:
    """Give the definition of a tile, with what differs from page to page put in."""
    return MEANS[tile].format(**said)
