"""Follows the links to what pages work out, within this process."""

import asyncio

import httpx
from starlette.applications import Starlette

from dashboard.serving.shown import shown_route


def follow(address: str) -> httpx.Response:
    """Give what a browser gets at an address."""

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(Starlette(routes=[shown_route()]))
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as browser:
            return await browser.get(address)

    return asyncio.run(get())
