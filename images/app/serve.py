"""Serves a packaged model over HTTP. Everything it needs lies beside this file; nothing is read from elsewhere."""

import asyncio
import logging
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uvicorn
from graph import NotOnnx
from model import BadImage, Model
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from versions import read_versions

HERE = Path(__file__).resolve().parent
MAX_UPLOAD = 5 * 1024 * 1024
"""Bytes; a photo of a phone fits."""
MAX_WAITING = 64
"""Requests that may wait for the model; one more is told to come back, so that memory stays bounded."""

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger("app")

REQUESTS = Counter("http_requests_total", "Requests by path and status.", ["path", "status"])
LATENCY = Histogram(
    "http_request_duration_seconds",
    "Seconds from request to answer, by path.",
    ["path"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
)
PREDICTIONS = Counter("predictions_total", "Predictions by label.", ["label"])
INFO = Gauge("model_info", "1; what is served is in the labels.", ["version", "digest", "architecture", "contract"])


class App:
    """The model and what is known of it."""

    def __init__(self) -> None:
        self.versions, self.fault = read_versions(HERE / "versions.txt")
        self.digest = os.environ.get("SLIPWAY_IMAGE_DIGEST", "")
        log.info("versions: %s", self.fault or " ".join(f"{k}={v}" for k, v in sorted(self.versions.items())))
        self.model = Model(HERE / "model")
        self.contract = self.model.problem or "ok"
        if self.model.problem:
            log.error("contract mismatch: %s", self.model.problem)
        else:
            log.info("contract ok: %s, %d labels", self.model.contract["architecture"], len(self.model.labels))
        self.version = self.versions.get("model-version")
        # one inference at a time: the limit is half a core, and two at once only take memory
        self.pool = ThreadPoolExecutor(1)
        self.waiting = 0
        architecture = self.model.contract["architecture"]
        INFO.labels(self.version or "", self.digest, architecture, self.contract).set(1)

    async def infer(self, upload: bytes) -> dict:
        """The answer to an upload. Raises BadImage, or HTTPException where too many wait."""
        if self.waiting >= MAX_WAITING:
            raise HTTPException(503, "too many requests wait for the model; try again")
        self.waiting += 1
        try:
            found = await asyncio.get_running_loop().run_in_executor(self.pool, self.model.predict, upload)
        finally:
            self.waiting -= 1
        label = max(found, key=found.__getitem__)
        PREDICTIONS.labels(label).inc()
        return {"label": label, "confidence": found[label], "probabilities": found, "version": self.version}


async def page(request: Request) -> Response:
    """The page to try an image."""
    return HTMLResponse(PAGE)


async def sample(request: Request) -> Response:
    """One of the bundled sample images."""
    known = {path.name: path for path in app.model.samples}
    path = known.get(request.path_params["name"])
    return FileResponse(path) if path else JSONResponse({"error": "no such sample"}, 404)


async def _upload(request: Request) -> bytes:
    if int(request.headers.get("content-length") or 0) > MAX_UPLOAD + 4096:
        raise HTTPException(413, f"the upload is larger than {MAX_UPLOAD} bytes")
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise HTTPException(415, "send the image as multipart/form-data, field `image`")
    async with request.form(max_files=1, max_fields=4, max_part_size=MAX_UPLOAD) as form:
        file = form.get("image")
        if file is None or isinstance(file, str):
            raise HTTPException(400, "the form has no file field `image`")
        content = await file.read(MAX_UPLOAD + 1)
    if len(content) > MAX_UPLOAD:
        raise HTTPException(413, f"the upload is larger than {MAX_UPLOAD} bytes")
    return content


async def predict(request: Request) -> Response:
    """POST an image, get its label."""
    content = await _upload(request)
    if app.model.problem:
        return JSONResponse({"error": f"contract mismatch: {app.model.problem}"}, 500)
    return JSONResponse(await app.infer(content))


async def version(request: Request) -> Response:
    """What is served here."""
    contract = app.model.contract
    answer = {
        "version": app.version,
        "digest": app.digest or None,
        "versions": app.versions,
        "architecture": contract["architecture"],
        "labels": contract["labels"],
        "contract": app.contract,
        "samples": [path.name for path in app.model.samples],
    }
    return JSONResponse(answer | ({"error": app.fault} if app.fault else {}))


async def test(request: Request) -> Response:
    """Runs the bundled samples: what each shows, and what the model says."""
    if app.model.problem:
        return JSONResponse({"error": f"contract mismatch: {app.model.problem}"}, 500)
    results = []
    for path in app.model.samples:
        found = await app.infer(path.read_bytes())
        expected = path.stem.rsplit("-", 1)[0]
        results.append({"sample": path.name, "expected": expected, "predicted": found["label"]})
    right = sum(result["expected"] == result["predicted"] for result in results)
    return JSONResponse({"right": right, "samples": len(results), "results": results, "version": app.version})


async def healthy(request: Request) -> Response:
    """The process works; a model of the wrong contract is served as such, so it is healthy too."""
    return JSONResponse({"status": "ok"})


async def metrics(request: Request) -> Response:
    """For Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def refused(request: Request, error: Exception) -> Response:
    """Every refusal is JSON with one sentence."""
    status = error.status_code if isinstance(error, HTTPException) else 400
    return JSONResponse({"error": error.detail if isinstance(error, HTTPException) else str(error)}, status)


class Measured:
    """Counts and times each request (plain ASGI: Starlette's own base class costs a task a request)."""

    def __init__(self, inner) -> None:
        self.inner = inner

    async def __call__(self, scope, receive, send) -> None:
        """One request."""
        if scope["type"] != "http":
            return await self.inner(scope, receive, send)
        path = scope["path"] if scope["path"] in PATHS else "other"
        started, status = time.perf_counter(), 500

        async def noted(message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.inner(scope, receive, noted)
        finally:
            REQUESTS.labels(path, status).inc()
            LATENCY.labels(path).observe(time.perf_counter() - started)


ROUTES = [
    Route("/", page),
    Route("/samples/{name}", sample),
    Route("/predict", predict, methods=["POST"]),
    Route("/version", version),
    Route("/test", test),
    Route("/healthz", healthy),
    Route("/readyz", healthy),
    Route("/metrics", metrics),
]
PATHS = {route.path for route in ROUTES}
PAGE = (HERE / "page.html").read_text()


def main() -> None:
    """Load, then serve until SIGTERM."""
    global app  # noqa: PLW0603 - one process serves one model
    try:
        app = App()
    except (NotOnnx, OSError, KeyError, ValueError) as error:
        sys.exit(f"error: the model cannot be served: {error}")
    except Exception as error:  # ONNX Runtime's own exceptions share no base class
        sys.exit(f"error: the model cannot be served: {str(error).splitlines()[0]}")
    handlers = {HTTPException: refused, BadImage: refused}
    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000"))
    log.info("serving version %s on %s:%d", app.version, host, port)
    uvicorn.run(
        Measured(Starlette(routes=ROUTES, exception_handlers=handlers)),
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
