"""Addresses that secrets are sent to, or that browsers are sent to with them."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

_PLAIN = re.compile(r"[\x21-\x7e]+")
_OWN_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
"""Such as `org.example.app`: the dot, which RFC 8252 demands, keeps `javascript` and its like out."""


def is_protected(url: str) -> bool:
    """Whether nobody on the way reads what is sent there: https, or http that stays on this machine."""
    try:
        address = urlsplit(url)
        is_address = bool(_PLAIN.fullmatch(url) and address.hostname and address.port != 0)
    except ValueError:
        return False
    is_whole = is_address and "#" not in url and "@" not in address.netloc
    return is_whole and (address.scheme == "https" or (address.scheme == "http" and _is_local(address)))


def is_redirect(url: str) -> bool:
    """Whether an application may be called back there: also by a scheme of its own (RFC 8252, section 7.1)."""
    scheme, colon, rest = url.partition(":")
    is_own = bool(colon and rest and _OWN_SCHEME.fullmatch(scheme) and _PLAIN.fullmatch(url) and "#" not in url)
    return is_own or is_protected(url)


def _is_local(address: SplitResult) -> bool:
    host = address.hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
