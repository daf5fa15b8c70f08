"""Where somebody comes from, shortened to what one guesser has: an IPv4 address, or the /64 of an IPv6 one."""

import ipaddress

UNKNOWN_PLACE = "unknown"


def place_of(address: str) -> str:
    """Give the place of an address; what is no address, such as a forged header, is `unknown`."""
    # Nothing longer is one, and reading it would take its time.
    if len(address) > 100:
        return UNKNOWN_PLACE
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return UNKNOWN_PLACE
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
