"""Serves a packaged model over HTTP. Everything that it needs is in the directory of this file.

Environment: HOST (default 127.0.0.1; the image sets 0.0.0.0), PORT (8000), SLIPWAY_IMAGE_DIGEST (shown by /version).
"""

import asyncio
import logging
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import uvicorn
from contract import BadContract
from graph import NotOnnx
from measured import INFO, PREDICTIONS, Measured
from memory import return_large_blocks
from model import BadImage, Model, NoAnswer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from upload import Uploads
from versions import read_versions

HERE = Path(__file__).resolve().parent
MAX_WAITING = 64
"""Requests that may wait for the model; any more get status 503. At ten a second, 64 are done in six seconds."""
STOPPING = 1
"""Seconds that running requests get after SIGTERM. The app then ends in less than two."""
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' blob: data:"
)
"""The page may only connect to this app."""

log = logging.getLogger("app")


class App:
    """The state of the app: the model, its versions, and the requests that wait for it."""

    def __init__(self, directory: Path) -> None:
        self.versions, self.fault = read_versions(directory / "versions.txt")
        self.version = self.versions.get("model-version") or None
        self.digest = os.environ.get("SLIPWAY_IMAGE_DIGEST", "")
        if self.fault:
            log.error("versions: %s", self.fault)
        else:
            log.info("versions: %s", " ".join(f"{k}={v}" for k, v in sorted(self.versions.items())))
        self.page = (directory / "page.html").read_text()
        self.model = Model(directory / "model")
        self.architecture: str = self.model.contract["architecture"]
        self.contract = self.model.problem or "ok"
        if self.model.problem:
            log.error("contract mismatch: %s", self.model.problem)
        else:
            log.info("contract ok: %s, %d labels", self.architecture, len(self.model.labels))
        # one inference at a time: the limit is half a core, and two at once only take memory
        self.pool = ThreadPoolExecutor(1)
        self.waiting = 0
        self.uploads = Uploads()
        INFO.labels(self.version or "", self.digest, self.architecture, self.contract).set(1)

    async def infer(self, image: bytes) -> dict[str, Any]:
        """The prediction for an image. Raises BadImage, or HTTPException: 500 with the reason where the model is not
        one that this app serves, 503 where too many requests wait.
        """
        if self.model.problem:
            raise HTTPException(500, f"contract mismatch: {self.model.problem}")
        if self.waiting >= MAX_WAITING:
            raise HTTPException(503, "too many requests wait for the model; try again")
        self.waiting += 1
        try:
            found = await asyncio.get_running_loop().run_in_executor(self.pool, self.model.predict, image)
        finally:
            self.waiting -= 1
        label = max(found, key=found.__getitem__)
        PREDICTIONS.labels(label).inc()
        return {"label": label, "confidence": found[label], "probabilities": found, "version": self.version}


def served(request: Request) -> App:
    """The state of the app that handles a request."""
    app: App = request.app.state.served
    return app


async def page(request: Request) -> Response:
    """GET /: the page on which a person can try an image."""
    return HTMLResponse(served(request).page, headers={"Content-Security-Policy": PAGE_POLICY})


async def sample(request: Request) -> Response:
    """GET /samples/{name}: one of the bundled sample images."""
    known = {path.name: path for path in served(request).model.samples}
    path = known.get(request.path_params["name"])
    return FileResponse(path) if path else JSONResponse({"error": "no such sample"}, 404)


async def predict(request: Request) -> Response:
    """POST /predict: the label of the uploaded image."""
    app = served(request)
    async with app.uploads.image(request) as image:
        return JSONResponse(await app.infer(image))


async def version(request: Request) -> Response:
    """GET /version: the model version, the image digest and the contract of what is served."""
    app = served(request)
    answer = {
        "version": app.version,
        "digest": app.digest or None,
        "versions": app.versions,
        "architecture": app.architecture,
        "labels": app.model.labels,
        "contract": app.contract,
        "samples": [path.name for path in app.model.samples],
    }
    return JSONResponse(answer | ({"error": app.fault} if app.fault else {}))


async def test(request: Request) -> Response:
    """GET /test: predict the bundled samples, and show the expected and the predicted label of each."""
    app = served(request)
    results = []
    for path in app.model.samples:
        found = await app.infer(path.read_bytes())
        expected = path.stem.rsplit("-", 1)[0]
        results.append({"sample": path.name, "expected": expected, "predicted": found["label"]})
    right = sum(result["expected"] == result["predicted"] for result in results)
    return JSONResponse({"right": right, "samples": len(results), "results": results, "version": app.version})


async def healthy(request: Request) -> Response:
    """GET /healthz and /readyz: the process works. A model that breaks its contract is reported by /version, so it is
    healthy too.
    """
    return JSONResponse({"status": "ok"})


async def metrics(request: Request) -> Response:
    """GET /metrics: the metrics in the format of Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def refused(request: Request, error: Exception) -> Response:
    """Turn an exception into a JSON answer with one sentence."""
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)
    if isinstance(error, BadImage):
        return JSONResponse({"error": str(error)}, 400)
    known = str(error) if isinstance(error, NoAnswer) else "the app failed; its log says why"
    return JSONResponse({"error": known}, 500)


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


def main() -> None:
    """Load the model, then serve until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    host, port = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000"
    if not port.isdecimal() or int(port) > 65535:
        sys.exit(f"error: PORT={port!r} is not a port number")
    return_large_blocks()
    try:
        app = App(HERE)
    except (BadContract, NotOnnx, OSError) as error:
        sys.exit(f"error: the model cannot be served: {error}")
    handlers = dict.fromkeys((HTTPException, BadImage, NoAnswer, Exception), refused)
    starlette = Starlette(routes=ROUTES, exception_handlers=handlers)  # type: ignore[arg-type]
    starlette.state.served = app
    log.info("serving version %s on %s:%s", app.version, host, port)
    uvicorn.run(
        Measured(starlette, {route.path for route in ROUTES}),
        host=host,
        port=int(port),
        # the implementations of requirements.lock, even where others are installed as well
        loop="asyncio",
        http="h11",
        log_config=None,  # one format for all lines
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=STOPPING,
    )


if __name__ == "__main__":
    main()
