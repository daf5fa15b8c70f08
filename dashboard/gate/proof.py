"""GET /proof, by which the terminal knows this page from whatever else could listen on its port."""

import re

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from shared.own_page import NONCE_LENGTH, PARAMETER, PROOF_PATH, proof

_NONCE = re.compile(rf"[0-9a-f]{{{NONCE_LENGTH}}}")


def proof_route(secret: str) -> Route:
    """Give the route, for `st.App`; `secret` is the cookie secret."""

    async def answer(request: Request) -> Response:
        nonce, server = request.query_params.get(PARAMETER, ""), request.scope.get("server")
        if server is None or not _NONCE.fullmatch(nonce):
            return PlainTextResponse(f"{PARAMETER} must be {NONCE_LENGTH} hexadecimal digits\n", 400)
        return PlainTextResponse(f"{proof(secret, nonce, *server)}\n", headers={"Cache-Control": "no-store"})

    return Route(PROOF_PATH, answer, methods=["GET"])
