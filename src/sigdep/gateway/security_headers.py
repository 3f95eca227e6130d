"""The headers that keep browsers from doing harm with our answers."""

from typing import Final

from sigdep.http.exchange import Header

NOTHING_LOADS: Final = b"default-src 'none'; frame-ancestors 'none'"
"""For answers that are no page: whoever makes a browser show one gets nothing but text."""

OWN_ASSETS_ONLY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""For pages of ours: no outside asset, no script or style inside the page."""

TRANSPORT_SECURITY: Final[Header] = (b"strict-transport-security", b"max-age=31536000")
"""Added where the gateway is told that it stands behind HTTPS."""


def security_headers(policy: bytes, *, https: bool = False) -> tuple[Header, ...]:
    headers: tuple[Header, ...] = (
        (b"content-security-policy", policy),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-frame-options", b"DENY"),
    )
    return (*headers, TRANSPORT_SECURITY) if https else headers


API_HEADERS: Final = (*security_headers(NOTHING_LOADS), (b"cache-control", b"private, no-cache"))
"""`no-cache`: a browser may keep an answer, and asks with its ETag before it shows it again."""
