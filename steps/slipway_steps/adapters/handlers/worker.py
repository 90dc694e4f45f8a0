"""The worker that answers for one handler, as the model server has one: it loads the model, answers, and is started
anew when it dies.
"""

import base64
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from slipway_steps.adapters.handlers.answer import (
    Answer,
    Call,
    Death,
    FunctionAnswer,
    Growth,
    HandlerError,
    Loaded,
    Request,
    died,
    not_sent,
    unanswered,
)
from slipway_steps.adapters.handlers.process import Ended, HandlerProcess, OutOfTime, WorkerLimits
from slipway_steps.adapters.handlers.scratch import Scratch

MOST_DEATHS = 3
"""Requests that may end the process before the others of a series are not sent: each costs a load, or a time limit."""
MANY = 50
"""Requests from which on the answers are read together."""


class HandlerWorker:
    """The handler of one package, loaded once; `loads` counts how often the model was loaded."""

    def __init__(
        self,
        package: Path,
        python: str,
        scratch: Scratch,
        limits: WorkerLimits,
        workers: int = 1,
        libraries: Path | None = None,
    ) -> None:
        self.package, self.python, self.scratch, self.limits = package, python, scratch, limits
        self.workers, self.loads, self.libraries = workers, 0, libraries
        self.process = self._process(workers)
        self.loaded: Loaded | None = None
        self.forked = False
        self.more: list[HandlerProcess] = []

    def _process(self, workers: int = 1) -> HandlerProcess:
        return HandlerProcess(self.package, self.python, self.scratch, self.limits, workers, self.libraries)

    def __enter__(self) -> "HandlerWorker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all processes."""
        for process in (self.process, *self.more):
            process.close()
        self.more = []

    def _ask(self, process: HandlerProcess, timeout: float, worker: int = 0, **request: Any) -> dict[str, Any]:
        """The last line of an answer, which for most requests is the only one."""
        found: dict[str, Any] = {}
        for line in process.ask_lines(worker, request, timeout):
            found = line
        return found

    def toolkit(self) -> dict[str, str]:
        """Versions: sagemaker_inference, multi_model_server, python; and the flavour of the default handler."""
        return self._ask(self.process, self.limits.request_timeout, do="toolkit")

    def missing(self, modules: Sequence[str]) -> list[str]:
        """Which of the modules the handler's Python cannot import."""
        return list(
            self._ask(self.process, self.limits.request_timeout, do="missing", modules=list(modules))["missing"]
        )

    def load(self) -> Loaded:
        """Load the handler and its model in a process that has not loaded it yet."""
        self.loaded = self._load(self.process)
        return self.loaded

    def _load(self, process: HandlerProcess) -> Loaded:
        self.loads += 1
        started = time.monotonic()
        try:
            # SageMaker gives a container ten minutes to start; here only the whole test has a limit
            told = self._ask(process, max(1.0, self.limits.left()), do="load")
        except Ended as ended:
            return Loaded(False, time.monotonic() - started, death=ended.death)
        except OutOfTime as error:
            took = time.monotonic() - started
            if took < self.limits.request_timeout:
                raise  # the user's limit for the whole test left no time to load a model: that says nothing of it
            late = Death("timeout", f"the model is not loaded after {took:.3g} s", error.printed)
            return Loaded(False, took, death=late)
        return Loaded.of(told)

    def describe(self) -> dict[str, dict[str, Any]]:
        """The signatures of the handler's functions; {} where its module cannot be imported."""
        with suppress(Ended):
            return dict(self._ask(self.process, self.limits.request_timeout, do="describe")["functions"])
        return {}

    def model(self) -> dict[str, Any]:
        """What the loaded model says of its input: lists of `names` of features, `shapes`, shapes of its `weights`, and
        `values` that features may have. {} where the process ends over it.
        """
        try:
            return dict(self._ask(self.process, self.limits.request_timeout, do="model")["model"])
        except Ended:
            self.restart()
            return {}

    def restart(self) -> Loaded:
        """End all processes, start one, and load the model again."""
        self.close()
        self.forked = False
        self.process = self._process()
        return self.load()

    def reload(self, limits: WorkerLimits) -> bool:
        """Read the files of code/ anew, under these limits; the model stays. Returns whether that worked: not where an
        import fails or ends the process.
        """
        self.limits = limits
        for process in (self.process, *self.more):
            process.limits = limits
        with suppress(Ended):
            told = [
                self._ask(process, limits.request_timeout, worker, do="reload") for process, worker in self._known()
            ]
            return all(one["error"] is None for one in told)
        return False

    def _known(self) -> list[tuple[HandlerProcess, int]]:
        """The processes that have loaded the model, each with its pair of pipes."""
        if self.forked:
            return [(self.process, number) for number in range(self.workers)]
        return [(process, 0) for process in (self.process, *self.more)]

    def functions(self, samples: Sequence[dict[str, Any]], accepts: Sequence[str]) -> list[FunctionAnswer]:
        """Call each function alone for each sample, and output_fn for each accept type. [] for a transform_fn.

        samples: name, path, content_type, and accept where only one is wanted. What follows a death is not reached.
        """
        found: list[FunctionAnswer] = []
        request = {"do": "functions", "samples": list(samples), "accepts": list(accepts)}
        try:
            for line in self.process.ask_lines(0, request, self.limits.request_timeout):
                if not line.pop("done", False):
                    line["error"] = HandlerError.of(line.get("error"))
                    found.append(FunctionAnswer(**line))
        except Ended as ended:
            wanted = [(name, one["name"], "") for name in ("input_fn", "predict_fn") for one in samples]
            wanted += [
                ("output_fn", s["name"], a) for s in samples for a in ([s["accept"]] if s.get("accept") else accepts)
            ]
            for number, (function, sample, accept) in enumerate(wanted[len(found) :]):
                death = ended.death if number == 0 else None
                found.append(FunctionAnswer(function, sample, accept, death=death, not_reached=number > 0))
            self.restart()
        return found

    def send(self, requests: Sequence[Request], *, side_by_side: bool = False) -> list[Answer]:
        """Send whole requests, one after another, or to all workers at once. The answers come in their order.

        The model is loaded first where it is not yet. After `MOST_DEATHS` deaths the rest is not sent.
        """
        found: dict[str, Answer] = {}
        if self.loaded is None:
            self.load()
        if side_by_side and self.workers > 1 and len(requests) > 1:
            found = self._side_by_side(requests)
        while left := [request for request in requests if request.id not in found]:
            if self.loaded and self.loaded.death:
                # the server starts a worker again and again, and the requests wait for one that has loaded the model
                return [found.get(request.id) or unanswered(request, self.loaded.death) for request in requests]
            try:
                for answer in self._stream(self.process, 0, left):
                    found[answer.id] = answer
            except Ended as ended:
                culprit = next(request for request in left if request.id not in found)
                found[culprit.id] = died(culprit, ended.death)
                self.restart()  # as the server does, which loads the model again
                if sum(bool(answer.death) for answer in found.values()) == MOST_DEATHS:
                    why = f"after {MOST_DEATHS} requests that ended the process"
                    found |= {one.id: not_sent(one, why) for one in left if one.id not in found}
        return [found[request.id] for request in requests]

    def _stream(self, process: HandlerProcess, worker: int, requests: Sequence[Request]) -> Iterator[Answer]:
        request = {"do": "send", "requests": [one.line() for one in requests]}
        for line in process.ask_lines(worker, request, self.limits.request_timeout, many=len(requests) > MANY):
            if not line.pop("done", False):
                line["body"] = base64.b64decode(line["body"])
                line["calls"] = tuple(Call(*call) for call in line["calls"])
                line["error"] = HandlerError.of(line["error"])
                line["opened"], line["connections"] = tuple(line["opened"]), tuple(line["connections"])
                yield Answer(**line)

    def _slots(self) -> list[tuple[HandlerProcess, int]]:
        """The processes, each with its pair of pipes, that answer side by side.

        They are forked from the one that has loaded the model, and share its memory; where the handler runs threads,
        which a fork would lose, each is started and loads the model itself.
        """
        if not self.forked:
            self.forked = self._ask(self.process, self.limits.request_timeout, do="fork")["forked"] > 0
        while not self.forked and len(self.more) < self.workers - 1:
            process = self._process()
            self.more.append(process)
            self._load(process)
        return self._known()

    def _side_by_side(self, requests: Sequence[Request]) -> dict[str, Answer]:
        """The answers of all workers. Where one of them dies, those that are left are asked again, one by one, so that
        the request at fault is known.
        """
        queue: SimpleQueue[Request] = SimpleQueue()
        for request in requests:
            queue.put(request)
        found: dict[str, Answer] = {}
        ends: list[Ended] = []

        def answer(slot: tuple[HandlerProcess, int]) -> None:
            try:
                while not ends:
                    request = queue.get_nowait()
                    found.update({one.id: one for one in self._stream(*slot, [request])})
            except Empty:
                return
            except Ended as ended:
                ends.append(ended)

        try:
            slots = self._slots()
        except Ended:
            self.restart()
            return {}
        with ThreadPoolExecutor(len(slots)) as pool:
            list(pool.map(answer, slots))
        if ends:
            self.restart()
        return found

    def retry(self, request: Request) -> list[str]:
        """What makes a request work that fails: `form` (bytes for text, or text for bytes), or a function's name whose
        arguments are in the other order. [] where nothing of this does.
        """
        try:
            return list(
                self._ask(self.process, self.limits.request_timeout, do="retry", request=request.line())["works"]
            )
        except Ended:
            self.restart()
            return []

    def grow(self, request: Request, windows: int, least: int, seconds: float) -> Growth:
        """Repeat a request in several windows, and measure the memory that each keeps. A death gives no windows."""
        try:
            told = self._ask(
                self.process,
                self.limits.request_timeout + seconds,
                do="grow",
                request=request.line(),
                windows=windows,
                least=least,
                seconds=seconds,
            )
        except Ended as ended:
            self.restart()
            return Growth(0, death=ended.death)
        grown = told["grown"]
        largest = told.get("largest")
        return Growth(
            told["requests"], [p for p, _ in grown], [r for _, r in grown], tuple(largest) if largest else None
        )
