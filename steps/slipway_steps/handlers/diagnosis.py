"""Names the fault behind a load or a request that failed."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from slipway_steps.adapters.handlers.answer import Answer, Death, HandlerError, Loaded
from slipway_steps.domain.handler import Fault, Place
from slipway_steps.handlers.source import MODULE, Source

BYTES = re.compile(
    r"'str' object has no attribute 'decode'|bytes-like|not (bytes|bytearray|str)\b|'byte(s|array)' object has no attr"
    r"|(bytes|string) pattern|expected (str|bytes)|must be (str|bytes)|can't concat|str or None",
    re.IGNORECASE,
)
"""Texts of Python's errors where text was expected and bytes came, or the other way round."""
MISSING_FILE = re.compile(
    r"no such file|does(n't| not) exist|not found|nosuchfile|cannot open|can't open|unable to open"
    r"|is not a (file|directory)|file .*missing|missing .*file",
    re.IGNORECASE,
)
NO_NETWORK = re.compile(
    r"network is unreachable|name resolution|name or service not known|connection(error| refused)|max retries",
    re.IGNORECASE,
)
REFUSED = re.compile(r"content.?type|accept|media.?type|mime|unsupported|not supported|\btype\b", re.IGNORECASE)
MODEL_METHODS = "predict|predict_proba|run|forward|transform|eval|get_inputs|decision_function|score"
ADVICE = {
    ".onnx": "ONNX Runtime: onnxruntime.InferenceSession(os.path.join(model_dir, '{name}'))",
    ".pt": "TorchScript: torch.jit.load(os.path.join(model_dir, '{name}'), map_location='cpu')",
    ".pth": "TorchScript: torch.jit.load(os.path.join(model_dir, '{name}'), map_location='cpu')",
    ".bst": "XGBoost: booster = xgboost.Booster(); booster.load_model(os.path.join(model_dir, '{name}'))",
    ".ubj": "XGBoost: booster = xgboost.Booster(); booster.load_model(os.path.join(model_dir, '{name}'))",
    ".joblib": "scikit-learn: joblib.load(os.path.join(model_dir, '{name}'))",
    ".pkl": "pickle: pickle.load(open(os.path.join(model_dir, '{name}'), 'rb'))",
    ".keras": "Keras: keras.models.load_model(os.path.join(model_dir, '{name}'))",
    ".h5": "Keras: keras.models.load_model(os.path.join(model_dir, '{name}'))",
    ".txt": "LightGBM: lightgbm.Booster(model_file=os.path.join(model_dir, '{name}'))",
}
"""How a model file is loaded, by its suffix."""
OURS = frozenset({"code", "payloads", "calibration"})


def place_of_error(source: Source, error: HandlerError | None, function: str = "") -> Place | None:
    """The line of code/ that raised an error, the innermost; else where the function begins."""
    if error and error.places:
        file, line, _ = error.places[-1]
        return source.place(file, line)
    return source.place_of(function or (error.function if error else ""))


def death_fault(death: Death, function: str, source: Source) -> Fault:
    """The fault of a handler whose process ended."""
    codes = {"memory": "memory", "timeout": "timeout"}
    last = next((line for line in reversed(death.last.splitlines()) if line.strip()), "")
    said = f"; it said last: {last[:120]}" if last and death.reason == "exit" else ""
    message = f"{function or 'the handler'}: {death.detail}{said}"
    return Fault(code=codes.get(death.reason, "exit"), message=message, place=_fatal_line(death, source, function))


def _fatal_line(death: Death, source: Source, function: str) -> Place | None:
    # Python's own traceback of sys.exit or of the fault handler, if the handler printed one
    found = re.findall(r'File "[^"]*/code/([^"]+\.py)", line (\d+)', death.last)
    if found:
        return source.place(found[-1][0], int(found[-1][1]))
    return source.place_of(function)


def load_faults(loaded: Loaded, package: Path, source: Source) -> Iterator[Fault]:
    """The faults that the load of the handler showed."""
    if loaded.connections:
        yield downloads(loaded.connections, "loading", place_of_error(source, loaded.error, "model_fn"))
        return
    if loaded.death:
        yield death_fault(loaded.death, "model_fn", source)
    elif loaded.error:
        yield _load_error(loaded.error, package, source)
    elif loaded.lost:
        place = _stream_line(source) or source.place_of("model_fn")
        yield Fault(code="output-replaced", message=loaded.lost, place=place)
    elif loaded.model_type == "NoneType":
        yield Fault(code="model-none", message="model_fn returned None", place=source.place_of_return("model_fn"))


def _stream_line(source: Source) -> Place | None:
    """The line that replaces or closes sys.stdout or sys.stderr."""
    for file, tree in source.trees.items():
        for node in ast.walk(tree):
            changed = (
                node.targets if isinstance(node, ast.Assign) else [node.func] if isinstance(node, ast.Call) else []
            )
            if any(ast.unparse(one).removesuffix(".close") in ("sys.stdout", "sys.stderr") for one in changed):
                return source.place(file, node.lineno)  # type: ignore[attr-defined]
    return None


def downloads(connections: tuple[str, ...] | list[str], doing: str, place: Place | None) -> Fault:
    """The fault of a handler that opened connections."""
    return Fault(
        code="downloads", message=f"{doing} opened a connection to {', '.join(dict.fromkeys(connections))}", place=place
    )


def _load_error(error: HandlerError, package: Path, source: Source) -> Fault:
    place = place_of_error(source, error)
    said = f"{error.type}: {error.message}"[:300]
    if error.type == "NotImplementedError" and "Please provide a model_fn" in error.message:
        return Fault(code="no-model-fn", message="inference.py defines no model_fn", place=source.place(MODULE, 1))
    if "Cannot use transform_fn" in error.message:
        return Fault(code="transform-conflict", message=error.message, place=source.place_of("transform_fn"))
    if error.is_a("SyntaxError"):
        return Fault(code="syntax", message=said, place=place)
    if error.is_a("ImportError"):
        return Fault(code="import-missing", message=said, place=place)
    if not error.places and re.search(r"takes \d+ arguments but \d+ were given|not a callable object", error.message):
        code = "not-callable" if "callable" in error.message else "arity"
        return Fault(code=code, message=said, place=source.place_of(error.function))
    if NO_NETWORK.search(error.message):
        return Fault(code="downloads", message=said, place=place)
    if error.is_a("MemoryError"):
        return Fault(code="memory", message=said, place=place)
    if error.function == "model_fn" and _seeks_file(error, source):
        return Fault(code="model-missing", message=_missing_model(error, package), place=place)
    if error.function in ("model_fn", "pre_model_fn", "model_warmup_fn"):
        return Fault(code="model-raises", message=f"{error.function} raised {said}", place=place)
    return Fault(code="import-raises", message=f"importing inference.py raised {said}", place=place)


def _seeks_file(error: HandlerError, source: Source) -> bool:
    if error.is_a("FileNotFoundError", "NotADirectoryError", "IsADirectoryError") or MISSING_FILE.search(error.message):
        return True
    if error.is_a("IndexError", "StopIteration") and error.places:
        file, line, _ = error.places[-1]
        around = " ".join(source.texts.get(file, [])[max(0, line - 4) : line])
        return bool(re.search(r"glob|listdir|iterdir|scandir|walk", around))
    return False


def _missing_model(error: HandlerError, package: Path) -> str:
    """What model_fn looked for, what is there, and how such a file is loaded."""
    path = error.filename or next(iter(re.findall(r"'([^']*/[^']*)'", error.message)), "")
    wanted = Path(path).name if path else ""
    there = sorted(one.name for one in package.iterdir() if one.name not in OURS)
    listed = ", ".join(there[:8]) or "no file"
    looked = (
        f"model_fn looks for {wanted}"
        if wanted
        else f"model_fn found no file it looks for ({error.type}: {error.message})"
    )
    suffixes = [name for name in there if Path(name).suffix in ADVICE]
    advice = f"; {ADVICE[Path(suffixes[0]).suffix].format(name=suffixes[0])}" if suffixes else ""
    return f"{looked}; the package has {listed}{advice}"


class Failure:
    """A request that failed, with what is known of it: the answer, the sample's name and its accept type."""

    def __init__(self, answer: Answer, sample: str, accept: str, source: Source) -> None:
        self.answer, self.sample, self.accept, self.source = answer, sample, accept, source
        self.error = answer.error
        self.types = {call.function: call.result_type for call in answer.calls}
        function = self.error.function if self.error else ""
        self.function = function or (answer.calls[-1].function if answer.calls else "")

    def fault(self, code: str, message: str, place: Place | None = None) -> Fault:
        """A fault of this request."""
        return Fault(code=code, message=message, place=place, sample=self.sample, accept=self.accept)

    def at(self) -> Place | None:
        """Where the error was raised."""
        return place_of_error(self.source, self.error, self.function)

    def name(self) -> Fault:
        """The fault behind it."""
        answer, said = self.answer, self._said()
        if answer.connections:
            found = downloads(answer.connections, self.function or "the handler", self.at())
            return self.fault(found.code, found.message, found.place)
        if answer.death:
            found = death_fault(answer.death, self.function, self.source)
            return self.fault(found.code, found.message, found.place or self._last_function())
        if answer.status == 413:
            return self.fault("too-large", "the request is larger than 6,553,500 bytes")
        for rule in (self._lost, self._output, self._arguments, self._environment, self._input):
            if found_here := rule(said):
                return found_here
        return self.fault(
            "sample-fails", f"{self.function or 'the handler'} answers {answer.status}: {said}", self.at()
        )

    def _said(self) -> str:
        if self.error:
            return f"{self.error.type}: {self.error.message}"[:300]
        return (self.answer.reason or self.answer.text)[:300]

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
        """The front end could not read what the worker wrote, or the client what the front end wrote."""
        if self.answer.no_answer:
            return self.fault("no-answer", self.answer.no_answer, self.at() or self._returns())
        if not self.answer.lost:
            return None
        if "too large" in self.answer.lost:
            return self.fault("too-large", "the answer is larger than 6,553,500 bytes", self._returns())
        if self.error and not self.error.message.isascii() and not self.error.is_a("BaseInferenceToolkitError"):
            return self.fault("non-ascii-error", f"the error's text is not ASCII: {said}", self.at())
        if self.error and self.error.is_a("BaseInferenceToolkitError"):
            code = "non-ascii-error" if not self.error.message.isascii() else "status-not-number"
            return self.fault(code, f"the server cannot send this error: {said}", self.at())
        members = self._made().removeprefix("tuple(").removesuffix(")").split(", ")
        if self._made().startswith("tuple(") and len(members) > 1 and members[1] != "str":
            return self.fault("content-type-not-text", f"the content type is of type {members[1]}", self._returns())
        return self.fault(
            "content-type-not-text", f"the server cannot send the answer: {self.answer.lost}", self._returns()
        )

    def _output(self, said: str) -> Fault | None:
        made = self._made()
        if not self.error and made.startswith("tuple(") and "," not in made:
            return self.fault("one-tuple", "the answer is a tuple with one member", self._returns())
        if self.answer.status == 503:
            kind = made.removeprefix("tuple(").split(",")[0].rstrip(")")
            return self.fault("not-serializable", f"a value of type {kind} cannot be written as JSON", self._returns())
        if "is not JSON serializable" in said and "coroutine" not in said:
            return self.fault("not-serializable", said, self.at())
        if "not JSON compliant" in said:
            return self.fault("not-json", f"the prediction has NaN or Infinity: {said}", self.at())
        if "coroutine" in said or "async_generator" in said or "'generator' object" in said:
            return self.fault("async", said, self.at())
        return None

    def _arguments(self, said: str) -> Fault | None:
        if "Please provide a predict_fn" in said:
            return self.fault("no-predict-fn", "inference.py defines no predict_fn", self.source.place(MODULE, 1))
        if self.error is None or self.function not in ("input_fn", "predict_fn", "output_fn", "transform_fn"):
            return None
        if not self.error.places and re.search(
            r"takes \d+ (positional )?arguments? but \d+|missing \d+ required", said
        ):
            return self.fault("arity", said, self.source.place_of(self.function))
        if "not a callable object" in said:
            return self.fault("not-callable", said, self.source.place_of(self.function))
        given = re.escape(self.types.get("input_fn", "")) or "ndarray"
        if self.function == "predict_fn" and re.search(
            rf"'(numpy\.)?{given}' object (has no attribute '({MODEL_METHODS})'|is not callable)", said
        ):
            return self.fault(
                "swapped-arguments", f"predict_fn uses its first argument as the model: {said}", self.at()
            )
        if self.function == "output_fn" and re.search(
            r"'str' object has no attribute '(tolist|shape|astype|items)'", said
        ):
            return self.fault(
                "swapped-arguments", f"output_fn uses its first argument as the accept type: {said}", self.at()
            )
        return None

    def _environment(self, said: str) -> Fault | None:
        if self.error is None:
            return None
        if self.error.is_a("ImportError"):
            return self.fault("import-missing", said, self.at())
        if self.error.is_a("MemoryError"):
            return self.fault("memory", said, self.at())
        if NO_NETWORK.search(said):
            return self.fault("downloads", said, self.at())
        if self.error.is_a("FileNotFoundError") and self.function in ("predict_fn", "transform_fn"):
            return self.fault("model-missing", f"{self.function}: {said}", self.at())
        return None

    def _input(self, said: str) -> Fault | None:
        if self.error is None:
            return None
        if self.function in ("input_fn", "transform_fn") and BYTES.search(said):
            return self.fault("bytes-expected", f"{self.function}: {said}", self.at())
        # the toolkit's own decoder and encoder raise UnsupportedFormatError
        refusing = self.error.is_a("UnsupportedFormatError") or (
            self.function in ("input_fn", "output_fn") and REFUSED.search(self.error.message)
        )
        if refusing:
            kind = "accept type" if self.function == "output_fn" else "content type"
            return self.fault("type-refused", f"{self.function} refuses the {kind}: {said}", self.at())
        return None
