"""How an answer leaves by a real socket: whole, cut, in drops, or not at all."""

import asyncio
import socket
import struct

from aiohttp import web

from tests.exchange.faults import Delivery, Ending
from tests.exchange.wire import Reply


async def send(request: web.Request, delivery: Delivery, reply: Reply) -> web.StreamResponse:
    """End a request as its delivery says."""
    if delivery.ending is Ending.SILENCE:
        await asyncio.sleep(delivery.seconds)
        if not delivery.processed:
            return _reset(request)
    if delivery.ending is Ending.RESET:
        return _reset(request)
    if delivery.ending in (Ending.SHORT, Ending.DRIP):
        return await _in_parts(request, delivery, reply)
    headers = {"Content-Type": "application/json", **reply.headers}
    return web.Response(status=reply.status, body=reply.body.encode(), headers=headers)


def _reset(request: web.Request) -> web.StreamResponse:
    transport = request.transport
    if transport is not None:
        # Lingering 0 seconds makes closing send RST instead of FIN.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


async def _in_parts(request: web.Request, delivery: Delivery, reply: Reply) -> web.StreamResponse:
    body, whole = reply.body.encode(), delivery.ending is Ending.DRIP
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **reply.headers}
    response = web.StreamResponse(status=reply.status, headers=headers)
    await response.prepare(request)
    size = -(-len(body) // delivery.parts)
    for part in range(delivery.parts if whole else delivery.parts - 1):
        await response.write(body[part * size : (part + 1) * size])
        await asyncio.sleep(delivery.seconds if whole else 0)
    if not whole and request.transport is not None:
        request.transport.close()
    return response
