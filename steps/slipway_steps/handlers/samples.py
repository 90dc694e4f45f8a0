"""Reads the samples of a handler, its requests with what is expected of them, from a directory."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.handler import CSV, JSON, NPY, NPZ, PARQUET, InferenceTestSample

EXPECTATIONS = "samples.json"
"""The file that says more of single samples."""
NEGATIVE = "negative"
"""Samples in a directory of this name have to be refused."""
CONTENT_TYPES = {
    ".json": JSON,
    ".jsonl": "application/jsonlines",
    ".csv": CSV,
    ".parquet": PARQUET,
    ".npy": NPY,
    ".npz": NPZ,
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".txt": "text/plain",
    ".bin": "application/octet-stream",
}
"""Content types by suffix."""
FOLDERS = {"csv_samples": CSV, "json_samples": JSON, "parquet_samples": PARQUET}
"""Content types by directory, for files whose suffix tells none, or too little."""
VAGUE = frozenset({".txt", ".bin"})
"""Suffixes that a file of any kind may have."""
GUIDE = f"{EXPECTATIONS} is an object of samples by file name, such as {{'negative/bad.json': {{'status': 400}}}}"


class _Expectation(BaseModel):
    """What `samples.json` says of one sample. What is not given follows from the file's place and name."""

    model_config = ConfigDict(extra="forbid", strict=True)

    should_succeed: bool | None = None
    error_pattern: str | None = None
    status: int | None = None
    accept: str = ""
    expect: Any = None
    content_type: str = ""


_EXPECTATIONS = TypeAdapter(dict[str, _Expectation])


def load_samples(directory: Path) -> list[InferenceTestSample]:
    """The samples in a directory and the directories in it, in the order of their names, which are relative to it.

    A file's content type follows from its suffix, else from its directory (`csv_samples`, `json_samples`,
    `parquet_samples`); that of `.txt` and `.bin` from the directory first. Samples in a directory `negative` have to be
    refused. `samples.json` may say more of each sample by its name: `should_succeed`, `error_pattern`, `status`,
    `accept`, `expect`, `content_type`; a sample with an `error_pattern` or a `status` from 400 on has to be refused
    too. `ignored_files` names the files that are none.

    Raises BadInput for a directory that is none, a link that leads out of it, and a `samples.json` that cannot be used.
    """
    files = dict(_files(directory))
    told = _told(directory)
    if missing := sorted(told.keys() - files.keys()):
        raise BadInput(f"{directory / EXPECTATIONS} names {missing[0]!r}, which is no file there", GUIDE)
    return [
        _sample(directory, name, path, content_type, told.get(name, _Expectation()))
        for name, path in sorted(files.items())
        if (content_type := _content_type(name, told))
    ]


def ignored_files(directory: Path) -> list[str]:
    """The files in a directory of samples that are none: their suffix tells no content type. Hidden files and
    `samples.json` itself do not count. Raises BadInput as `load_samples` does.
    """
    told = _told(directory)
    return sorted(name for name, _ in _files(directory) if not _content_type(name, told))


def _files(directory: Path) -> Iterator[tuple[str, Path]]:
    """All files but hidden ones, with their names relative to the directory."""
    if not directory.is_dir():
        raise BadInput(
            f"the samples {directory} are not a directory", "give a directory with one file for each request"
        )
    root = directory.resolve()
    for parent, folders, names in os.walk(directory, onerror=_unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(parent, name) for name in (*folders, *names) if not name.startswith(".")):
            name = path.relative_to(directory).as_posix()
            if path.is_symlink() and root not in path.resolve().parents:
                raise BadInput(f"the sample {path} is a link that leads out of {directory}", "copy the file instead")
            if path.is_dir():
                continue
            if not path.is_file():
                raise BadInput(f"the sample {path} is no regular file", "remove it")
            if name != EXPECTATIONS:
                yield name, path


def _content_type(name: str, told: dict[str, _Expectation]) -> str:
    if name in told and told[name].content_type:
        return told[name].content_type
    suffix = Path(name).suffix.lower()
    known = CONTENT_TYPES.get(suffix, "")
    folder = next((FOLDERS[part] for part in Path(name).parts[:-1] if part in FOLDERS), "")
    return folder or known if suffix in VAGUE else known or folder


def _sample(directory: Path, name: str, path: Path, content_type: str, told: _Expectation) -> InferenceTestSample:
    refused = NEGATIVE in Path(name).parts[:-1] or told.error_pattern is not None or (told.status or 0) >= 400
    if told.should_succeed and (told.error_pattern is not None or (told.status or 0) >= 400):
        fault = (
            f"{directory / EXPECTATIONS}: {name}: it should succeed, and has an error_pattern or a status of an error"
        )
        raise BadInput(fault, "keep one of the two")
    try:
        return InferenceTestSample(
            sample_name=name,
            content_type=content_type,
            path=path,
            should_succeed=not refused if told.should_succeed is None else told.should_succeed,
            error_pattern=told.error_pattern,
            status=told.status,
            accept=told.accept,
            expect=told.expect,
        )
    except ValidationError as error:
        raise BadInput(f"{directory / EXPECTATIONS}: {name}: {_faults(error)}", GUIDE) from error


def _told(directory: Path) -> dict[str, _Expectation]:
    """What `samples.json` says, by the names of the samples; nothing where there is no such file."""
    path = directory / EXPECTATIONS
    try:
        text = path.read_text(encoding="utf-8")
        return _EXPECTATIONS.validate_python(json.loads(text, object_pairs_hook=_without_doubles))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ValidationError as error:
        raise BadInput(f"{path}: {_faults(error)}", GUIDE) from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", GUIDE) from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path} is not valid JSON: {error}", GUIDE) from error


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs. JSON would silently keep the last of two with one name."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(
            f"the name {next(name for name in names if names.count(name) > 1)!r} comes twice in one object"
        )
    return made


def _faults(error: ValidationError) -> str:
    return "; ".join(": ".join((*map(str, fault["loc"]), fault["msg"])) for fault in error.errors())


def _unreadable(error: OSError) -> None:
    raise BadInput(f"{error.filename} cannot be read: {error.strerror}", "allow to read it") from error
