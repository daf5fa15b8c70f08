"""What browsers are told about every answer: run nothing from elsewhere, show it in no frame, guess no types."""

from collections.abc import Iterable

# Streamlit's page has a line of script of its own, its charts compile expressions, and components arrive as blobs.
STREAMLIT_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "frame-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)

ALWAYS = {
    b"x-frame-options": b"DENY",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
POLICY = b"content-security-policy"
# Streamlit lets every page anywhere read its static files.
NEVER = frozenset({b"access-control-allow-origin", b"server"})

RawHeaders = list[tuple[bytes, bytes]]


def secured(headers: Iterable[tuple[bytes, bytes]]) -> RawHeaders:
    """Give an answer's headers with those every answer has; a policy it has already stays."""
    kept = [(name, value) for name, value in headers if name.lower() not in NEVER and name.lower() not in ALWAYS]
    if not any(name.lower() == POLICY for name, _ in kept):
        kept.append((POLICY, STREAMLIT_POLICY.encode()))
    return kept + list(ALWAYS.items())
