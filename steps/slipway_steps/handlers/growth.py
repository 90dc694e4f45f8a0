"""Whether a handler keeps memory with each request."""

from slipway_steps.adapters.handlers.answer import Growth
from slipway_steps.domain.handler import Fault
from slipway_steps.handlers.source import Source

GROWTH_LEAST = 24
"""Bytes for each request: a number in a list that never ends takes 32."""
RESIDENT_LEAST = 4096
"""Bytes of resident memory for each request, a page: what native code keeps is not seen by Python."""
GROWTH_WINDOWS, GROWTH_REQUESTS, GROWTH_SECONDS = 3, 12, 0.6
"""Windows, requests in each at least, and seconds for all of them."""


def growth_fault(growth: Growth, source: Source) -> Fault | None:
    """The fault of a handler that keeps memory in each of all windows."""
    if growth.requests == 0 or not growth.python:
        return None
    python = min(growth.python) / growth.requests
    resident = min(growth.resident) / growth.requests
    if python < GROWTH_LEAST and resident < RESIDENT_LEAST:
        return None
    kept = max(python, resident if resident >= RESIDENT_LEAST else 0)
    place = source.place(*growth.largest) if growth.largest else source.place_of("predict_fn")
    return Fault(code="grows", message=f"each request leaves {kept:,.0f} bytes behind", place=place)
