"""Names the fault behind a load that failed, and behind the end of a handler's process."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from slipway_steps.adapters.handlers.answer import Death, HandlerError, Loaded
from slipway_steps.domain.handler import Fault, Place
from slipway_steps.handlers.source import FUNCTIONS, Source

FIXED = "/opt/ml/"
"""Where SageMaker puts models; a handler that names it works there alone."""
MISSING_FILE = re.compile(
    r"no such file|does(n't| not) exist|not found|nosuchfile"
    r"|(can ?not|can't|could not|unable to|failed to) (open|find|read)"
    r"|opening .* failed|is not a (file|directory)$|file .*missing|missing .*file"
    r"|no .*(model|file|weights).* (in|at|under)\b",
    re.IGNORECASE,
)
SEARCH = re.compile(r"\b(glob|rglob|iglob|listdir|iterdir|scandir|walk)\(")
"""How Python looks for files."""
TRACE = re.compile(
    r"^(Fatal Python error|Traceback \(most recent call last\)|Current thread |Thread 0x|Stack \(most recent)",
    re.MULTILINE,
)
BINDS = re.compile(
    r"takes (from )?\d+ .*arguments? but \d+|missing \d+ required|unexpected keyword argument"
    r"|multiple values for argument"
)
"""Texts of Python's errors where a call does not fit a signature."""
NO_NETWORK = re.compile(
    r"network is unreachable|name resolution|name or service not known|connection(error| refused)|max retries",
    re.IGNORECASE,
)
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
    frames = _frames(death.last)
    function = next((name for _, _, name in frames if name in FUNCTIONS), function)
    printed = TRACE.split(death.last)[0]
    last = next((line for line in reversed(printed.splitlines()) if line.strip()), "")
    said = f"; it said last: {last[:120]}" if last and death.reason == "exit" else ""
    place = source.place(frames[0][0], frames[0][1]) if frames else source.place_of(function)
    message = f"{function or 'the handler'}: {death.detail}{said}"
    return Fault(code=codes.get(death.reason, "exit"), message=message, place=place)


def _frames(printed: str) -> list[tuple[str, int, str]]:
    """The lines of code/ where the process stood, the innermost first, as (file, line, function), of the last trace
    that it wrote.
    """
    starts = [found.start() for found in TRACE.finditer(printed)]
    trace = printed[starts[-1] :] if starts else ""
    found = re.findall(r'File "[^"]*/code/([^"]+\.py)", line (\d+),? in (\S+)', trace)
    if trace.startswith("Traceback"):
        found.reverse()
    return [(file, int(line), function) for file, line, function in found]


def load_faults(loaded: Loaded, package: Path, source: Source) -> Iterator[Fault]:
    """The faults that the load of the handler showed."""
    if loaded.connections:
        error = loaded.error.root if loaded.error and loaded.error.root.places else loaded.error
        yield downloads(loaded.connections, "loading", place_of_error(source, error, "model_fn"))
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
                return source.place(file, node.lineno)  # type: ignore[attr-defined]  # each node has a line
    return None


def downloads(connections: tuple[str, ...] | list[str], doing: str, place: Place | None) -> Fault:
    """The fault of a handler that opened connections."""
    return Fault(
        code="downloads", message=f"{doing} opened a connection to {', '.join(dict.fromkeys(connections))}", place=place
    )


def _load_error(error: HandlerError, package: Path, source: Source) -> Fault:
    root = error.root
    place = place_of_error(source, root if root.places else error)
    said = f"{error.type}: {error.message}"[:300]
    if root is not error and root.message not in said:
        said = f"{said} (after {root.type}: {root.message})"[:400]

    def fault(code: str, message: str = "", at: Place | None = place) -> Fault:
        return Fault(code=code, message=message or said, place=at)

    if error.type == "NotImplementedError" and "Please provide a model_fn" in error.message:
        return fault("no-model-fn", "inference.py defines no model_fn", source.top())
    if "Cannot use transform_fn" in error.message:
        return fault("transform-conflict", error.message, source.place_of("transform_fn"))
    if BINDS.search(error.message) and source.is_variable("model_fn"):
        return fault("var-args", at=source.place_of("model_fn"))
    if not error.places and re.search(r"takes \d+ arguments but \d+ were given|not a callable object", error.message):
        code = "not-callable" if "callable" in error.message else "arity"
        return fault(code, at=source.place_of(error.function))
    for one in (error, root):
        if code := _environment(one):
            return fault(code)
    if FIXED in f"{root.filename} {root.message} {error.message}" and (_seeks_file(error, source)):
        return fault("fixed-path", f"the handler looks below {FIXED} instead of in model_dir: {said}")
    if error.function == "model_fn" and (_seeks_file(root, source) or _seeks_file(error, source)):
        return fault("model-missing", _missing_model(error if error.filename else root, package))
    if error.function in ("model_fn", "pre_model_fn", "model_warmup_fn"):
        return fault("model-raises", f"{error.function} raised {said}")
    return fault("import-raises", f"importing inference.py raised {said}")


def _environment(error: HandlerError) -> str:
    """The kind of fault that the type of an error tells alone; "" for any other."""
    if error.is_a("SyntaxError"):
        return "syntax"
    if error.is_a("ImportError"):
        return "import-missing"
    if error.is_a("MemoryError"):
        return "memory"
    return "downloads" if NO_NETWORK.search(error.message) else ""


def _seeks_file(error: HandlerError, source: Source) -> bool:
    if error.is_a("FileNotFoundError", "NotADirectoryError", "IsADirectoryError"):
        return True
    if error.is_a("KeyError"):
        return False
    if MISSING_FILE.search(error.message):
        return True
    if not error.places:
        return False
    file, line, _ = error.places[-1]
    statement = source.place(file, line).text
    if error.is_a("AssertionError"):
        return bool(re.search(r"exists|is_file|isfile|" + SEARCH.pattern, statement))
    nothing = error.is_a("IndexError", "StopIteration") or "NoneType" in error.message or "empty" in error.message
    return nothing and any(SEARCH.search("\n".join(lines)) for lines in [_around(source, file, line)])


def _around(source: Source, file: str, line: int) -> list[str]:
    return source.texts.get(file, [])[max(0, line - 8) : line]


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
