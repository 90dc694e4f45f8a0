"""What the process of a handler answers: a loaded model, calls of functions, answers to requests, growth of memory."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from slipway_steps.adapters.handlers.programs.handler_wire import worker_died


@dataclass(frozen=True)
class Request:
    """A request for a handler. The body comes from `body`, or from the file `path`. `accept` "" sends no header, nor
    does `content_type` None.
    """

    id: str
    content_type: str | None
    accept: str
    path: Path | None = None
    body: bytes = b""

    def line(self) -> dict[str, Any]:
        """The request as the child reads it."""
        body = {"path": str(self.path)} if self.path else {"body": base64.b64encode(self.body).decode()}
        return {"id": self.id, "content_type": self.content_type, "accept": self.accept, **body}


@dataclass(frozen=True)
class HandlerError:
    """An exception in a handler: the function that raised it, type and text, and the lines of code/ in its traceback,
    the innermost last, as (file, line, function). `cause` is the exception in whose handling it was raised;
    `status_type` is the type of its status, where it has one.
    """

    function: str
    type: str
    message: str
    places: tuple[tuple[str, int, str], ...] = ()
    bases: tuple[str, ...] = ()
    module: str = ""
    filename: str = ""
    status_type: str = ""
    cause: "HandlerError | None" = None

    @classmethod
    def of(cls, told: Mapping[str, Any] | None) -> "HandlerError | None":
        """The error that the child told of; None for None."""
        if told is None:
            return None
        places = tuple((one["file"], one["line"], one["function"]) for one in told["places"])
        return cls(
            told.get("function", ""),
            told["type"],
            _whole(told["message"]),
            places,
            tuple(told["bases"]),
            told.get("module", ""),
            _whole(told.get("filename", "")),
            told.get("status_type", ""),
            cls.of(told.get("cause")),
        )

    @property
    def root(self) -> "HandlerError":
        """The exception with which all began, with the function of this one."""
        found = self
        while found.cause is not None:
            found = found.cause
        return replace(found, function=self.function)

    def is_a(self, *names: str) -> bool:
        """Whether its class, or one that it inherits from, has one of these names."""
        return bool({self.type, *self.bases} & set(names))


@dataclass(frozen=True)
class Call:
    """One call of a function by the toolkit, in seconds; `peak` in bytes, 0 where it was not measured."""

    function: str
    seconds: float
    peak: int
    result_type: str


@dataclass(frozen=True)
class Death:
    """How the process of a handler ended before it answered. `reason`: memory, timeout or exit. `last` is the end of
    what it printed.
    """

    reason: str
    detail: str
    last: str = ""


@dataclass(frozen=True)
class Loaded:
    """The load of the handler and its model. `opened` are the files of the package that were opened meanwhile. `lost`:
    why the server's worker dies after it.
    """

    loaded: bool
    seconds: float
    model_type: str = ""
    calls: tuple[Call, ...] = ()
    error: HandlerError | None = None
    death: Death | None = None
    opened: tuple[str, ...] = ()
    sees_files: bool = False
    connections: tuple[str, ...] = ()
    threads: int = 0
    resident: int = 0
    lost: str = ""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Loaded":
        """The load that the child told of."""
        return cls(
            told["loaded"],
            told["seconds"],
            told["model"],
            tuple(Call(*call) for call in told["calls"]),
            HandlerError.of(told["error"]),
            None,
            tuple(told["opened"]),
            told["sees_files"],
            tuple(told["connections"]),
            told["threads"],
            told["resident"],
            told["lost"],
        )


@dataclass(frozen=True)
class FunctionAnswer:
    """The call of one function alone. `not_reached`: no sample led to something that it could be called with."""

    function: str
    sample: str
    accept: str = ""
    seconds: float = 0.0
    peak: int = 0
    result_type: str = ""
    error: HandlerError | None = None
    death: Death | None = None
    not_reached: bool = False

    @property
    def success(self) -> bool:
        """Whether the function was called and returned."""
        return not (self.error or self.death or self.not_reached)


@dataclass(frozen=True)
class Answer:
    """What the client gets for one request, and what happened inside. `body` is cut after 1 MiB, `size` is of all.

    `lost`: why the front end could not read the worker's answer, which ends the worker as a death does. `no_answer`:
    why the client never gets an answer that it can read; `status` is 0 then. `not_sent`: why the request was not sent;
    then there is no answer, `status` is 0, and nothing is known.
    """

    id: str
    status: int
    content_type: str | None
    body: bytes
    reason: str = ""
    size: int = 0
    sha256: str = ""
    seconds: float = 0.0
    lost: str = ""
    no_answer: str = ""
    not_sent: str = ""
    death: Death | None = None
    calls: tuple[Call, ...] = ()
    error: HandlerError | None = None
    opened: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def died(self) -> bool:
        """Whether the worker is gone after this request."""
        return bool(self.lost or self.death)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


@dataclass(frozen=True)
class Growth:
    """Bytes that were kept in each window of `requests` equal requests: by Python objects, and by the process.

    `largest`: file and line of code/ that kept the most. `death`: how the process ended meanwhile.
    """

    requests: int
    python: list[int] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)
    largest: tuple[str, int] | None = None
    death: Death | None = None


def unanswered(request: Request, death: Death) -> Answer:
    """What the client has where no worker loads the model."""
    return Answer(request.id, 0, None, b"", no_answer=f"no worker loads the model: {death.detail}", death=death)


def died(request: Request, death: Death) -> Answer:
    """The answer where the worker died before it answered."""
    answer = worker_died()
    return Answer(
        request.id,
        answer["status"],
        answer["content_type"],
        answer["body"],
        answer["reason"],
        len(answer["body"]),
        death=death,
    )


def not_sent(request: Request, why: str) -> Answer:
    """What stands for the answer of a request that was not sent."""
    return Answer(request.id, 0, None, b"", not_sent=f"not sent, {why}")


def _whole(text: str) -> str:
    """A text without single surrogates, which can be neither stored nor printed."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
