"""The pages there are, said once: for the navigation, which shows them, and for the gate, which lets them through."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """A page: `name` is its script in `views`, and its address unless it is the first."""

    name: str
    title: str
    icon: str
    is_first: bool = False
    is_hidden: bool = False

    @property
    def path(self) -> str:
        """Give the address it is opened at."""
        return "/" if self.is_first else f"/{self.name}"


NAVIGATION = {
    "Fleet": (
        Page("overview", "Overview", ":material/monitoring:", is_first=True),
        Page("bots", "Bots", ":material/smart_toy:"),
        Page("bot", "One bot", ":material/candlestick_chart:", is_hidden=True),
        Page("symbol", "Symbols", ":material/toll:"),
        Page("allocations", "Allocations", ":material/donut_small:"),
    ),
    "Evidence": (
        Page("trades", "Trades", ":material/swap_horiz:"),
        Page("analytics", "Analytics", ":material/analytics:"),
        Page("decisions", "Decisions", ":material/help_center:"),
    ),
    "Safety": (
        Page("risk", "Risk", ":material/shield:"),
        Page("control", "Control", ":material/tune:"),
    ),
}
PAGES = tuple(page for pages in NAVIGATION.values() for page in pages)
