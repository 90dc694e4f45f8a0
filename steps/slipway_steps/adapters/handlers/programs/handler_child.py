"""Runs one inference handler under the real toolkit, as a worker of multi-model-server does, and answers our questions.

    python handler_child.py MODEL_DIRECTORY REQUESTS RESULTS [REQUESTS RESULTS ...]

REQUESTS and RESULTS are numbers of open pipes, a pair for each worker. A request is one JSON line; so is each result,
and the last one of a request has the key `done`. What the handler prints goes elsewhere. The program needs nothing but
Python 3.9, sagemaker-inference and multi-model-server, so it runs under any Python that has them. The directory
MODEL_DIRECTORY/code has to be on PYTHONPATH already, as on an endpoint.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import gc
import hashlib
import importlib
import importlib.util
import json
import os
import signal
import sys
import time
import uuid
from typing import Any

import handler_describe
import handler_growth
import handler_model
import handler_recorder
import handler_request
import handler_retry
import handler_surroundings
import handler_trace
import handler_watch
import handler_wire
from mms.metrics.metrics_store import MetricsStore
from mms.service import Service
from sagemaker_inference.default_handler_service import DefaultHandlerService

sys.path.pop(0)  # our own directory: a handler must not import our files

PR_SET_PDEATHSIG = 1
FUNCTIONS = ("model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn")
BODY_SHOWN = 1024 * 1024
"""Bytes of an answer's body that are sent back; of a larger one the start and the hash."""


class Child:
    """The handler in this process, and the operations on it."""

    def __init__(self, model_directory: str, pipes: list[tuple[int, int]]) -> None:
        self.model_directory, self.code = model_directory, model_directory + "/code"
        self.pipes, (self.requests, self.results) = pipes, pipes[0]
        self.owner = os.getpid()
        self.service: Any = None
        self.transformer: Any = None
        self.bodies = handler_request.Bodies()
        self.unredirected = ""
        self.opened = handler_watch.OpenedFiles(model_directory)

    def tell(self, **values: Any) -> None:
        """Send one line."""
        if os.getpid() != self.owner:  # the handler has forked, and its copy returned to us
            os._exit(0)
        line = json.dumps(values).encode() + b"\n"
        while line:
            line = line[os.write(self.results, line) :]

    def serve(self) -> None:
        """Read requests until there are no more."""
        with open(self.requests, "rb", closefd=False) as lines:
            for line in lines:
                request = json.loads(line)
                try:
                    done = getattr(self, "do_" + request.pop("do"))(**request)
                except handler_request.Unreadable as error:
                    done = {"unreadable": str(error)}
                self.tell(done=True, **(done or {}))

    # what is asked

    def do_missing(self, modules: list[str]) -> dict[str, Any]:
        """Which of these modules this Python cannot import, with code/ on its path."""
        return {"missing": handler_describe.missing(modules)}

    def do_toolkit(self) -> dict[str, Any]:
        """The versions of the toolkit, and which default handler this Python brings."""
        return handler_describe.versions()  # type: ignore[no-any-return]  # for mypy our programs have no types

    def do_load(self) -> dict[str, Any]:
        """Load the handler and its model, as MmsModelLoader does: an error of model_fn is kept for the first answer."""
        default = None
        if importlib.util.find_spec("sagemaker_pytorch_serving_container") is not None:
            from sagemaker_pytorch_serving_container import default_pytorch_inference_handler as pytorch

            default = pytorch.DefaultPytorchInferenceHandler()
        self.transformer = handler_recorder.RecordingTransformer(self.code, default)
        self.transformer.measured = True
        handler = DefaultHandlerService(self.transformer)
        self.service = Service("model", self.model_directory, None, handler.handle, None, 1)
        self.service.context.metrics = MetricsStore(uuid.uuid4(), "model")
        self.opened.take()
        started, failure = time.perf_counter(), None
        try:
            handler.initialize(self.service.context)
        except Exception as error:  # the server logs it and goes on
            failure = {"function": "", **handler_recorder.described(error, self.code)}
        seconds = time.perf_counter() - started
        self.unredirected = handler_surroundings.unredirected()
        calls, raised = self.transformer.take()
        self.transformer.measured = False
        return {
            "seconds": seconds,
            "calls": calls,
            "error": raised or failure,
            "loaded": failure is None,
            "model": type(self.transformer._model).__name__,
            "opened": self.opened.take(),
            "sees_files": self.opened.works,
            "connections": _taken(handler_watch.connections),
            "threads": handler_watch.threads(),
            "resident": handler_watch.resident(),
            "lost": self.unredirected,
        }

    def do_describe(self) -> dict[str, Any]:
        """The signatures of the handler's functions, as the toolkit will count them."""
        module = sys.modules.get("inference")
        found = {}
        for name in FUNCTIONS:
            value = getattr(module, name, None)
            if value is not None:
                found[name] = handler_describe.signature(value, self.code)
        return {"functions": found}

    def do_model(self) -> dict[str, Any]:
        """What the loaded model says of its input."""
        return {"model": handler_model.described(self.transformer._model)}

    def do_functions(self, samples: list[dict[str, str]], accepts: list[str]) -> dict[str, Any]:
        """Call each function alone. Where one failed for a sample, the next takes what another sample led to."""
        transformer = self.transformer
        transformer.measured = True
        inputs: dict[str, list[Any]] = {}
        predictions: dict[str, list[Any]] = {}
        if transformer._transform_fn != transformer._default_transform_fn:
            transformer.measured = False
            return {"transform": True}
        for sample in samples:
            body, kind = self.bodies.of(sample), sample["content_type"]
            given = body.decode("utf-8", "replace") if kind in ("application/json", "text/csv") else body
            self._alone("input_fn", sample["name"], "", inputs, given, kind)
        for sample in samples:
            name = sample["name"]
            value = inputs.get(name, next(iter(inputs.values()), None))
            if value is None:
                self.tell(function="predict_fn", sample=name, accept="", not_reached=True)
            else:
                self._alone("predict_fn", name, "", predictions, value[0], transformer._model)
        for sample in samples:
            name = sample["name"]
            value = predictions.get(name, next(iter(predictions.values()), None))
            for accept in [sample["accept"]] if sample.get("accept") else accepts:
                if value is None:
                    self.tell(function="output_fn", sample=name, accept=accept, not_reached=True)
                else:
                    self._alone("output_fn", name, accept, {}, value[0], accept)
        transformer.measured = False
        return {"transform": False}

    def _alone(self, function: str, sample: str, accept: str, into: dict[str, list[Any]], *arguments: Any) -> None:
        transformer = self.transformer
        with contextlib.suppress(Exception):  # the transformer has recorded it
            into[sample] = [transformer._run_handler_function(getattr(transformer, "_" + function), *arguments)]
        calls, error = transformer.take()
        _, seconds, peak, kind = calls[-1]
        self.tell(
            function=function, sample=sample, accept=accept, seconds=seconds, peak=peak, result_type=kind, error=error
        )

    def do_send(self, requests: list[dict[str, Any]]) -> None:
        """Send whole requests; one line for each answer."""
        for request in requests:
            self.tell(**self._answer(request))

    def do_retry(self, request: dict[str, Any]) -> dict[str, Any]:
        """What would make a failed request work; see `handler_retry.what_works`."""
        return {"works": handler_retry.what_works(self.transformer, self.bodies.of(request), request)}

    def do_grow(self, request: dict[str, Any], windows: int, least: int, seconds: float) -> dict[str, Any]:
        """Repeat a request and measure what is kept; see `handler_growth.measure`."""
        body = self.bodies.of(request)

        def ask() -> None:
            self._message(body, request)
            self.transformer.calls.clear()
            self.transformer.error = None

        found: dict[str, Any] = handler_growth.measure(ask, windows, least, seconds, self.code)
        return found

    def do_reload(self) -> dict[str, Any]:
        """Read code/ anew and keep the loaded model."""
        self.bodies.found.clear()
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(self.code + "/"):
                del sys.modules[name]
        importlib.invalidate_caches()
        try:
            self.transformer._validate_user_module_and_set_functions()
        except Exception as error:
            return {"error": {"function": "", **handler_recorder.described(error, self.code)}}
        return {"error": None}

    def do_fork(self) -> dict[str, Any]:
        """Fork a worker for each further pair of pipes; only where one thread runs. They share the loaded model."""
        if handler_watch.threads() != 1:
            return {"forked": 0}
        gc.freeze()
        own, others = self.pipes[0], self.pipes[1:]
        for ends in others:
            if os.fork() == 0:
                # nobody else holds its pipes open, so that its end is seen
                self._close(own, *(one for one in others if one != ends))
                self.owner, (self.requests, self.results) = os.getpid(), ends
                self.opened = handler_watch.OpenedFiles(self.model_directory)
                self.serve()
                os._exit(0)
        self._close(*others)
        self.pipes = [own]
        return {"forked": len(others)}

    @staticmethod
    def _close(*pipes: tuple[int, int]) -> None:
        for number in (number for ends in pipes for number in ends):
            os.close(number)

    # one request

    def _message(self, body: bytes, request: dict[str, Any]) -> Any:
        """The message that the worker writes to the front end."""
        return self.service.predict(handler_request.batch(body, request.get("content_type"), request.get("accept")))

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        body = self.bodies.of(request)
        if len(body) > handler_wire.LARGEST:
            return self._told(request, handler_wire.too_large(), 0.0)
        started, lost = time.perf_counter(), self.unredirected
        try:
            answer = handler_wire.worker_died() if lost else handler_wire.client_answer(self._message(body, request))
        except (handler_wire.WorkerLost, Exception) as error:
            answer, lost = handler_wire.worker_died(), f"{type(error).__name__}: {error}"
        return self._told(request, answer, time.perf_counter() - started, lost)

    def _told(self, request: dict[str, Any], answer: dict[str, Any], seconds: float, lost: str = "") -> dict[str, Any]:
        calls, error = self.transformer.take()
        body = answer["body"]
        return {
            "id": request["id"],
            "status": answer["status"],
            "reason": answer["reason"],
            "content_type": answer["content_type"],
            "body": base64.b64encode(body[:BODY_SHOWN]).decode(),
            "size": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "seconds": seconds,
            "lost": lost or answer.get("lost", ""),
            "no_answer": answer.get("no_answer", ""),
            "calls": calls,
            "error": error,
            "opened": self.opened.take(),
            "connections": _taken(handler_watch.connections),
        }


def _taken(values: list[str]) -> list[str]:
    found, values[:] = values[:], []
    return found


def main() -> None:
    """Read the arguments, take the network away, serve."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    directory, given = sys.argv[1], [int(text) for text in sys.argv[2:]]
    numbers = [handler_watch.out_of_the_way(number) for number in given]
    handler_watch.without_network()
    handler_surroundings.act_as_the_worker(directory)
    child = Child(directory, list(zip(numbers[::2], numbers[1::2])))  # noqa: B905 - Python 3.9
    child.tell(done=True)
    with handler_trace.traced():
        child.serve()


if __name__ == "__main__":
    main()
