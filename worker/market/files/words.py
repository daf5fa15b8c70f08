"""The words that file names are made of: quotes, coins, timeframes, and what else people write around a symbol."""

import re


def listed(text: str) -> tuple[str, ...]:
    """Give the words of a table that is written as text."""
    return tuple(text.split())


# Longer ones first, so that the first that fits is the longest.
QUOTES = tuple(
    sorted(
        listed(
            "USDT USDC BUSD TUSD FDUSD PYUSD RLUSD BFUSD GUSD HUSD SUSD LUSD XUSD USDP USDD USDE USDS USDG USDQ "
            "USDR USD1 UST USTC DAI PAX EURI AEUR EURC EURS EURT EURQ EURR BIDR IDRT BVND BKRW VAI XSGD USD EUR "
            "GBP JPY KRW TRY BRL AUD CAD CHF CNY CNH RUB UAH NGN ZAR INR IDR MXN PLN ARS COP CLP PEN CZK RON HUF "
            "VND THB PHP HKD SGD TWD MYR NZD SEK NOK DKK KZT AED SAR ILS GEL KES EGP PKR BTC XBT ETH BNB SOL XRP "
            "TRX DOGE"
        ),
        key=lambda quote: (-len(quote), quote),
    )
)
# What a name without a separator is split by: DOTUSD is DOT/USD, though TUSD is a longer quote.
COINS = frozenset(
    listed(
        "BTC XBT ETH BNB XRP SOL ADA DOGE TRX DOT AVAX LINK MATIC POL LTC BCH ETC XLM XMR ZEC DASH EOS NEO IOTA "
        "MIOTA XTZ ATOM ALGO VET FIL THETA ICP HBAR EGLD FTM S SAND MANA AXS GALA ENJ CHZ FLOW APE GMT GST SUSHI "
        "UNI AAVE COMP MKR SNX YFI CRV BAL LDO RPL FXS CVX GRT BAT ZRX KNC OMG LRC STORJ ANKR OCEAN FET AGIX RNDR "
        "RENDER WLD TAO AR INJ SEI SUI APT ARB OP STRK ZK MANTA BLUR JTO JUP PYTH W WIF BONK PEPE 1000PEPE SHIB "
        "1000SHIB FLOKI 1000FLOKI BOME MEME PEOPLE ORDI SATS 1000SATS 1000BONK RATS 1000RATS XEC 1000XEC LUNC "
        "1000LUNC TURBO NOT DOGS HMSTR CATI TON TONCOIN KAS STX RUNE KAVA ZIL ONE QTUM ICX ONT WAVES RVN SC DGB "
        "IOST HOT BTT BTTC WIN JST SUN NFT TFUEL CELO CELR SKL CTSI BAND REN UMA 1INCH DYDX GMX PERP LIT SPELL "
        "ALICE TLM SLP ILV MAGIC HIGH DAR RARE IMX LOOKS ENS MASK SSV ACH AUDIO CKB COTI DENT DODO DUSK FLM FLUX "
        "FORTH FTT GTC HNT HOOK ID IDEX IOTX JASMY JOE KEY KLAY KSM LEVER LINA LPT LQTY LUNA LUNA2 MINA MTL NEAR "
        "NKN NMR OGN OXT PENDLE PHA PHB POLYX POWR PROM QNT RAD RAY RDNT REEF REQ RLC ROSE RSR SFP SLERF SNT SRM "
        "STEEM STG STMX SUPER SXP SYN SYS T TIA TOMO TRB TRU TWT UNFI USTC VIDT VTHO WAXP WOO XEM XVG XVS YGG ZEN "
        "ZRO ZETA ETHFI ENA ETHW AEVO PORTAL PIXEL ALT AI XAI NFP ACE MOVR GLMR ASTR CFX ARKM CYBER MAV EDU HFT "
        "WBTC WETH STETH WSTETH WBETH CBETH CBBTC BETH PAXG XAUT XAU XAG GNO TUSD USDT USDC BUSD DAI FDUSD USDE "
        "USDP EUR GBP AUD NZD USD CAD CHF JPY CRO OKB HT KCS LEO GT BGB MNT HYPE VIRTUAL FARTCOIN TRUMP PNUT ACT "
        "MOODENG GOAT POPCAT BRETT MEW KAITO LAYER BERA IP MOVE ME USUAL PENGU BIO AIXBT ONDO EIGEN LISTA IO BB "
        "REZ SAGA TNSR OM PLUME WLFI ASTER XPL AVNT XCN XDC XCH HIVE BSV BTG BTS NANO XNO LSK STRAX ARDR DCR REP "
        "GNT BNT PLA MDX ALPHA BEL BURGER CAKE BAKE DEXE DIA DOCK FIDA FIRO FIS FORM FUN GHST HARD IRIS KDA KMD "
        "LOKA LTO MBL MBOX MDT NULS OSMO PERL PNT POND PUNDIX PYR QI QUICK RIF SANTOS LAZIO PORTO BAR PSG CITY "
        "ACM JUV ATM ASR OG TKO TORN TRIBE TVK UTK VOXEL VITE WAN WING WNXM"
    )
)

# How exchanges write coins that all others know by another name.
ALIASES = {"XBT": "BTC", "XDG": "DOGE"}

EXCHANGES = frozenset(
    listed(
        "binance binanceus binanceusdm binancecoinm bitstamp bitfinex bitmex bittrex bithumb bitget bitvavo bybit "
        "cex coinbase coinbasepro coinex cryptocom cryptocompare cryptodatadownload cdd deribit dukascopy exmo "
        "freqtrade ftx gate gateio gdax gemini hitbtc htx huobi hyperliquid kraken kucoin lbank mexc oanda okex "
        "okx phemex poloniex tradingview upbit whitebit yahoo yf"
    )
)

# Of a swap without end; `futures` too, as freqtrade writes it.
SWAPS = frozenset(listed("perp perpetual swap futures future fut p usdm um linear"))

FUNDING = frozenset(listed("funding fundingrate fundingrates"))

# What says nothing: the source, the market, the state of the file.
NOISE = EXCHANGES | frozenset(
    listed(
        "spot cm coinm inverse klines kline ohlc ohlcv ohlcvt candle candles candlestick candlesticks bar bars "
        "data dataset history historical hist price prices market markets raw clean cleaned full all max min "
        "train test merged combined sample utc gmt to from since until crypto old new rate rates copy tf "
        "timeframe final latest quote quotes"
    )
)
_NOISE_SHAPES = re.compile(r"\d+|v\d+|\d+y(?:rs?|ears?)?|\d{8}t\d*z?|(?=.*\d)[0-9a-f]{5}", re.IGNORECASE)

_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_UNITS = {
    **dict.fromkeys(listed("s sec secs second seconds"), "s"),
    **dict.fromkeys(listed("m t min mins minute minutes minutely"), "m"),
    **dict.fromkeys(listed("h hr hrs hour hours hourly"), "h"),
    **dict.fromkeys(listed("d day days daily eod"), "d"),
    **dict.fromkeys(listed("w wk week weeks weekly"), "w"),
    **dict.fromkeys(listed("mo mon mn month months monthly"), ""),
}
_TIMEFRAME = re.compile(rf"(\d{{0,6}})({'|'.join(sorted(_UNITS, key=len, reverse=True))})", re.IGNORECASE)
# MetaTrader's H4.
_TURNED = re.compile(r"([MHDW])(\d{1,2})|MN1?")


def timeframe_of(token: str) -> int | None:
    """Give the milliseconds of a word like `1h`, `minute` or `H4`; 0 where only the data can say; None if it is none.

    A capital `M` may be a month or a minute.
    """
    if turned := _TURNED.fullmatch(token):
        return _UNIT_MS[turned[1].lower()] * int(turned[2]) if turned[1] else 0
    match = _TIMEFRAME.fullmatch(token)
    if match is None:
        return None
    unit = _UNITS[match[2].lower()]
    return 0 if not unit or match[2] == "M" else _UNIT_MS[unit] * int(match[1] or 1)


def is_noise(token: str) -> bool:
    """Say whether a word of a name says nothing of the symbol: a source, a date, a word like `ohlcv`."""
    return token.lower() in NOISE or _NOISE_SHAPES.fullmatch(token) is not None
