"""Names the fault behind a request that failed."""

import re
from collections.abc import Callable

from slipway_steps.adapters.handlers.answer import Answer, HandlerError
from slipway_steps.domain.handler import Fault, Place
from slipway_steps.handlers.load_diagnosis import BINDS, FIXED, NO_NETWORK, death_fault, downloads, place_of_error
from slipway_steps.handlers.source import Source

BYTES = re.compile(
    r"'str' object has no attribute '(decode|read|readlines|getvalue|tobytes|hex)'|bytes-like"
    r"|not (bytes|bytearray|str)\b"
    r"|'byte(s|array)' object has no attr|(bytes|string) pattern|expected (str|bytes)|must be (str|bytes)|can't concat"
    r"|str or None|should be a (str|bytes)|return strings?, not|concatenate str \(not \"byte",
    re.IGNORECASE,
)
"""Texts of Python's errors where text was expected and bytes came, or the other way round."""
REFUSED = re.compile(r"content.?type|accept|media.?type|mime|unsupported|not supported|\btype\b", re.IGNORECASE)
UNAWAITED = re.compile(r"coroutine|async_generator|'generator' object|type generator ")


class Failure:
    """A request that failed, with what is known of it: the answer, the sample's name and its accept type.

    works: says what would make it work (`HandlerWorker.retry`); asked only where the error itself tells too little.
    """

    def __init__(
        self, answer: Answer, sample: str, accept: str, source: Source, works: Callable[[], list[str]] = list
    ) -> None:
        self.answer, self.sample, self.accept, self.source, self.works = answer, sample, accept, source, works
        self.error = answer.error
        self.types = {call.function: call.result_type for call in answer.calls}
        function = self.error.function if self.error else ""
        self.function = function or (answer.calls[-1].function if answer.calls else "")

    def fault(self, code: str, message: str, place: Place | None = None) -> Fault:
        """A fault of this request."""
        return Fault(code=code, message=message, place=place, sample=self.sample, accept=self.accept)

    def at(self, error: HandlerError | None = None) -> Place | None:
        """Where the error was raised."""
        return place_of_error(self.source, error or self.error, self.function)

    def name(self) -> Fault:
        """The fault behind it."""
        answer, said = self.answer, self._said()
        root = self.error.root if self.error else None
        if answer.connections:
            at = self.at(root) if root and root.places else self.at()
            found = downloads(answer.connections, self.function or "the handler", at)
            return self.fault(found.code, found.message, found.place)
        if answer.death:
            found = death_fault(answer.death, self.function, self.source)
            return self.fault(found.code, found.message, found.place or self._last_function())
        if answer.status == 413 and not self.error:
            return self.fault("too-large", "the request is larger than 6,553,500 bytes")
        for rule in (self._lost, self._answer):
            if found_here := rule(said):
                return found_here
        for error in (self.error, root):
            if error and (found_here := self._of(error)):
                return found_here
        return self._tried(said) or self.fault(
            "sample-fails", f"{self.function or 'the handler'} answers {answer.status}: {said}", self.at()
        )

    def _said(self) -> str:
        if not self.error:
            return (self.answer.reason or self.answer.text)[:300]
        root, told = self.error.root, f"{self.error.type}: {self.error.message}"[:300]
        return told if root.message in told else f"{told} (after {root.type}: {root.message})"[:400]

    def _last_function(self) -> Place | None:
        for name in ("predict_fn", "transform_fn", "input_fn", "model_fn"):
            if place := self.source.place_of(name):
                return place
        return None

    def _returns(self) -> Place | None:
        """The return of the function that made the answer."""
        return self.source.place_of_return("output_fn" if "output_fn" in self.types else "transform_fn")

    def _made(self) -> str:
        return self.types.get("output_fn") or self.types.get("transform_fn") or ""

    def _lost(self, said: str) -> Fault | None:
        """The front end, or the client, could not read what the worker wrote."""
        lost = self.answer.lost
        if self.answer.no_answer:
            return self.fault("no-answer", self.answer.no_answer, self.at() if self.error else self._returns())
        if not lost:
            return None
        if "reads at most" in lost:
            return self.fault("too-large", "the answer is larger than 6,553,500 bytes", self._returns())
        if "sys.stdout" in lost:
            return self.fault("output-replaced", lost, self.source.place_of(self.function))
        if self.error:
            number = self.error.status_type in ("", "int", "bool", "HTTPStatus")
            code = "non-ascii-error" if number else "status-not-number"
            return self.fault(code, f"the server cannot send this error: {said}", self.at())
        members = self._made().removeprefix("tuple(").removesuffix(")").split(", ")
        if self._made().startswith("tuple(") and len(members) > 1 and members[1] != "str":
            return self.fault("content-type-not-text", f"the content type is of type {members[1]}", self._returns())
        return self.fault("content-type-not-text", f"the server cannot send the answer: {lost}", self._returns())

    def _answer(self, said: str) -> Fault | None:
        """The handler returned, and the toolkit or the worker could not use what it returned."""
        made = self._made()
        if not self.error and made.startswith("tuple(") and "," not in made:
            return self.fault("one-tuple", "the answer is a tuple with one member", self._returns())
        if not self.error and self.answer.status == 503:
            kind = made.removeprefix("tuple(").split(",")[0].rstrip(")")
            if UNAWAITED.search(f"'{kind}' object"):
                return self.fault("async", f"the answer is a {kind}", self._returns())
            return self.fault("not-serializable", f"a value of type {kind} cannot be written as JSON", self._returns())
        return None

    def _of(self, error: HandlerError) -> Fault | None:
        """The fault that an error, or the one behind it, tells by itself."""
        said = f"{error.type}: {error.message}"[:300]
        at = self.at(error if error.places else None)
        for code in (self._output(said), self._environment(error), self._call(error, said), self._input(error, said)):
            if code:
                return self.fault(code, f"{self.function}: {said}" if self.function else said, at)
        return None

    def _output(self, said: str) -> str:
        if UNAWAITED.search(said):
            return "async"
        if "is not JSON serializable" in said:
            return "not-serializable"
        return "not-json" if "not JSON compliant" in said else ""

    def _environment(self, error: HandlerError) -> str:
        if error.is_a("ImportError"):
            return "import-missing"
        if error.is_a("MemoryError"):
            return "memory"
        if NO_NETWORK.search(error.message):
            return "downloads"
        if error.is_a("FileNotFoundError"):
            if FIXED in f"{error.filename} {error.message}":
                return "fixed-path"
            # a reader that is given text instead of a file takes the text as the name of a file
            if self.function == "input_fn":
                return "bytes-expected"
            return "model-missing" if self.function in ("predict_fn", "transform_fn", "output_fn") else ""
        return ""

    def _call(self, error: HandlerError, said: str) -> str:
        if "Please provide a predict_fn" in said:
            return "no-predict-fn"
        if "not a callable object" in said:
            return "not-callable"
        function = self.source.function(self.function)
        outermost = not error.places or (function is None and len(error.places) == 1)
        if BINDS.search(said) and function is not None and self.source.is_variable(self.function):
            return "var-args" if not error.places or error.places[0][2] == function.name else ""
        return "arity" if BINDS.search(said) and outermost else ""

    def _input(self, error: HandlerError, said: str) -> str:
        if self.function in ("input_fn", "transform_fn") and BYTES.search(said):
            return "bytes-expected"
        # the toolkit's own decoder and encoder raise UnsupportedFormatError
        worded = self.function in ("input_fn", "output_fn", "transform_fn") and REFUSED.search(error.message)
        refusing = self.answer.status in (406, 415) or error.is_a("UnsupportedFormatError") or bool(worded)
        return "type-refused" if refusing and error.cause is None else ""

    def _tried(self, said: str) -> Fault | None:
        """What is known once the functions were called in another way."""
        if self.error is None or self.answer.ok:
            return None
        for what in self.works():
            if what == "form":
                text = "works with bytes instead of text, or the other way round"
                return self.fault("bytes-expected", f"{self.function} {text}: {said}", self._inner())
            text = "works with its arguments in the other order"
            return self.fault("swapped-arguments", f"{what} {text}: {said}", self._inner())
        return None

    def _inner(self) -> Place | None:
        root = self.error.root if self.error else None
        return self.at(root) if root and root.places else self.at()
