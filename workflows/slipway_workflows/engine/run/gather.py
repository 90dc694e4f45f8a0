"""Waiting for several nodes at once."""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def gather_all(awaitables: Iterable[Awaitable[T]]) -> list[T]:
    """Wait until all have ended. Returns their results, in order, or raises the first exception among them.

    asyncio.gather would raise at once, while the others still run and nobody waits for them.
    """
    results = await asyncio.gather(*awaitables, return_exceptions=True)
    done: list[T] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        done.append(result)
    return done
