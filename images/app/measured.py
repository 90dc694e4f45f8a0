"""The metrics for Prometheus, and the middleware that counts every request."""

import asyncio
import time
from collections.abc import Collection

from cgroup import CgroupUsage
from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = Counter("http_requests_total", "Requests by path and status.", ["path", "status"])
LATENCY = Histogram(
    "http_request_duration_seconds",
    "Seconds from request to answer, by path.",
    ["path"],
    # each about 1.4 times the one before: a rollout compares percentiles that are computed from these
    buckets=(0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10),
)
PREDICTIONS = Counter("predictions_total", "Predictions by label.", ["label"])
REGISTRY.register(CgroupUsage())
INFO = Gauge("model_info", "1; what is served is in the labels.", ["version", "digest", "architecture", "contract"])


class Measured:
    """Counts and times each request. It is plain ASGI, because Starlette's own base class creates a task for each
    request.

    paths: the paths that are counted by name. Any other path is counted as `other`, so that a scanner creates no time
    series.
    """

    def __init__(self, inner: ASGIApp, paths: Collection[str]) -> None:
        self.inner = inner
        self.paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request. A request that is cancelled because the app stops is answered with 503."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        path = scope["path"] if scope["path"] in self.paths else "other"
        started, status = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.inner(scope, receive, noted)
        except asyncio.CancelledError:
            if status:
                raise
            await JSONResponse({"error": "the app is stopping"}, 503)(scope, receive, noted)
        finally:
            REQUESTS.labels(path, status or 500).inc()
            LATENCY.labels(path).observe(time.perf_counter() - started)
