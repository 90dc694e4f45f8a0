"""Writes samples for a package that has none: requests that its handler answers, and some that it refuses."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from slipway_steps.adapters.handlers.answer import Answer, Request
from slipway_steps.domain.errors import BadInput, Broken
from slipway_steps.domain.handler import CSV, JSON, NPY, NPZ, PARQUET
from slipway_steps.handlers import row_guesses
from slipway_steps.handlers.checks import error_in, no_prediction
from slipway_steps.handlers.probes import GARBAGE, OTHER_GARBAGE
from slipway_steps.handlers.request_forms import Form, Rows, forms
from slipway_steps.handlers.rows import answer_rows, row_count
from slipway_steps.handlers.samples import NEGATIVE
from slipway_steps.handlers.session import HandlerSession

SUFFIXES = {JSON: ".json", CSV: ".csv", NPY: ".npy", NPZ: ".npz", PARQUET: ".parquet"}
BATCH = 8
"""Requests that are sent before the answers are looked at."""
MOST_REQUESTS = 600
"""Requests that are tried for one content type."""
MOST_DEATHS = 3
"""Workers that may die over what is tried; each loads the model again."""
LARGEST = 6_553_500
"""Bytes of a request; the model server's limit."""
SECONDS = 60.0
"""For all that is tried."""
GUIDE = "write one request that the handler answers into a file, such as payloads/one.json"


@dataclass(frozen=True)
class _Candidate:
    """Rows in one form. `body` gives the request with the first of them; None where the form cannot hold them."""

    content_type: str
    rows: Rows
    form: Form

    def body(self, number: int) -> bytes | None:
        return self.form.write(self.rows[:number])


def generate_samples(session: HandlerSession, directory: Path) -> list[Path]:
    """Find out by asking what the handler takes, and write samples of one and of several rows for each content type
    that it answers, and of garbage that it refuses. Returns the files that were written; what exists stays as it is.

    Raises BadInput where the handler does not load, and where it answers nothing that was tried, with the last answer;
    Broken where the directory cannot be written.
    """
    loaded = session.load()
    if not loaded.loaded or loaded.error or loaded.death:
        why = loaded.error.message if loaded.error else loaded.death.detail if loaded.death else "it did not load"
        raise BadInput(f"no samples can be made: the model of the handler cannot be loaded: {why}", "correct model_fn")
    search = _Search(session)
    named = row_guesses.types_of_source(session.inspection.source)
    samples: dict[str, bytes] = {}
    for content_type in dict.fromkeys((*session.spec.supported_content_types, *named, NPY, NPZ, PARQUET)):
        samples |= search.samples_of(content_type)
    if not samples:
        fault = f"no samples can be made: none of {search.asked} requests was answered with a prediction; the last "
        raise BadInput(f"{fault}got {search.last}", GUIDE)
    try:
        return _write(directory, samples)
    except OSError as error:
        raise Broken(f"samples cannot be written to {directory}: {error.strerror}", "name another directory") from error


class _Search:
    """Tries requests of one handler."""

    def __init__(self, session: HandlerSession) -> None:
        self._session = session
        self._accept = session.spec.supported_accept_types[0]
        self._until = time.monotonic() + SECONDS
        self._keys = row_guesses.keys_of_source(session.inspection.source)
        self._known: list[Rows] = []
        for rows in self._guesses():
            if rows not in self._known:
                self._known.append(rows)
        self.asked, self.deaths, self.last = 0, 0, "no answer"

    def samples_of(self, content_type: str) -> dict[str, bytes]:
        """The samples of one content type by their names; {} where none was answered."""
        if content_type not in SUFFIXES:
            return self._files_of(content_type)
        suffix = SUFFIXES[content_type]
        found = self._first(content_type)
        if found is None:
            return {}
        # what was answered last is what the next content type begins with
        self._known.insert(0, found.rows)
        bodies = {
            f"rows-{number}{suffix}": found.body(number)
            for number in ((1, len(found.rows)) if found.form.many else (1,))
        }
        samples = {name: body for name, body in bodies.items() if body is not None and self._good(content_type, body)}
        garbage = GARBAGE.get(content_type, OTHER_GARBAGE)
        (answer,) = self._send(content_type, [garbage])
        if not answer.ok and not answer.died:
            samples[f"{NEGATIVE}/garbage{suffix}"] = garbage
        return samples

    def _files_of(self, content_type: str) -> dict[str, bytes]:
        """Files of the package with a content type that has no rows, such as pictures; else a picture that is made."""
        files = [one for one in row_guesses.data_files(self._session.package) if one[1] == content_type]
        found = {Path(name).name: body for name, _, body in files[:3] if self._good(content_type, body)}
        if not found and content_type == "image/png":
            made = next((body for body in row_guesses.pictures() if self._good(content_type, body)), None)
            found = {"picture.png": made} if made else {}
        return found

    def _guesses(self) -> Iterator[Rows]:
        for _, content_type, body in row_guesses.data_files(self._session.package):
            yield from row_guesses.rows_of_file(content_type, body)
        described = self._session.worker.model()
        for scale in row_guesses.SCALES:
            yield from row_guesses.rows_of_model(described, scale)
            yield from row_guesses.rows_of_source(self._session.inspection.source, scale)

    def _first(self, content_type: str) -> _Candidate | None:
        """The first candidate that is answered with a row for each row; else the first that is answered at all."""
        second_best = None
        rows = [*self._known, *row_guesses.rows_of_nothing()]
        candidates = (_Candidate(content_type, one, form) for one in rows for form in forms(content_type, self._keys))
        limited = islice(candidates, MOST_REQUESTS)
        while batch := list(islice(limited, BATCH)):
            if time.monotonic() > self._until or self.deaths > MOST_DEATHS:
                break
            bodies = [(one, one.body(2 if one.form.many else 1)) for one in batch]
            sendable = [(one, body) for one, body in bodies if body is not None and len(body) <= LARGEST]
            answers = self._send(content_type, [body for _, body in sendable])
            for (candidate, body), answer in zip(sendable, answers, strict=True):
                if not _predicts(answer):
                    continue
                wanted, got = row_count(body, content_type), answer_rows(answer.body, answer.content_type or "")
                if wanted is None or got is None or len(got) == wanted:
                    return candidate
                second_best = second_best or candidate
        return second_best

    def _good(self, content_type: str, body: bytes) -> bool:
        return all(_predicts(answer) for answer in self._send(content_type, [body]))

    def _send(self, content_type: str, bodies: Sequence[bytes]) -> list[Answer]:
        requests = []
        for body in bodies:
            self.asked += 1
            requests.append(Request(f"generate-{self.asked}", content_type, self._accept, None, body))
        answers = self._session.send(requests) if requests else []
        self.deaths += sum(answer.died for answer in answers)
        if answers and not answers[-1].ok and content_type == self._session.spec.supported_content_types[0]:
            self.last = f"{answers[-1].status} {answers[-1].reason or answers[-1].text}"[:200]
        return answers


def _predicts(answer: Answer) -> bool:
    return answer.ok and not answer.died and not error_in(answer) and not no_prediction(answer)


def _write(directory: Path, samples: dict[str, bytes]) -> list[Path]:
    written = []
    for name, body in samples.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError), path.open("xb") as file:
            file.write(body)
            written.append(path)
    return written
