"""Requests that no sample holds: the same again, other rows, garbage, nothing. Each shows a kind of fault that one
answer to one sample cannot show.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from slipway_steps.adapters.handlers.answer import Answer, Request
from slipway_steps.domain.handler import CSV, JSON, Fault
from slipway_steps.handlers.checks import alike, answer_faults, error_in, no_prediction, same
from slipway_steps.handlers.diagnosis import Failure
from slipway_steps.handlers.rows import answer_rows, may_be_one_row, row_count, take_rows
from slipway_steps.handlers.source import Source

GARBAGE = {JSON: b'{"garbage": ', CSV: b'garbage,"\x01not a number\n,,;'}
"""Bodies that are no valid input, by content type; any other type gets `OTHER_GARBAGE`."""
FOREIGN = {JSON: '{"g\u00e4rbage": "\u00e4"}'.encode(), CSV: "g\u00e4rbage,\u00e4,\u00f6\n".encode()}
"""Bodies of the wrong form with letters that are not ASCII."""
UNKNOWN = "application/x-unknown-type"
CHANCE = re.compile(r"\b(random|rng|dropout|shuffle|randn?|noise|permutation|bernoulli|multinomial)\b", re.IGNORECASE)
"""What handlers call that draws random numbers, which repeat in each new worker where they have a seed."""
OTHER_GARBAGE = b"\x00garbage that no decoder knows\xff"


@dataclass(frozen=True)
class Base:
    """A request that the handler answers well: the sample's name, its body, its types, and the answer."""

    sample: str
    body: bytes
    content_type: str
    accept: str
    answer: Answer


class Probes:
    """The probes of one handler. `send` sends requests in their order to one worker, `restart` starts another one."""

    def __init__(
        self, send: Callable[[Sequence[Request]], list[Answer]], restart: Callable[[], object], source: Source
    ) -> None:
        self._send, self._restart, self.source, self.numbers = send, restart, source, count()
        self._fresh, self._unknown = False, False

    def ask(self, base: Base, *bodies: bytes, content_type: str = "") -> list[Answer]:
        """The answers to bodies that are sent with the types of a base."""
        kind = content_type or base.content_type
        return self._send([Request(f"probe-{next(self.numbers)}", kind, base.accept, None, body) for body in bodies])

    def _fault(self, code: str, message: str, base: Base, function: str = "predict_fn") -> Fault:
        place = self.source.place_of(function) or self.source.place_of("transform_fn")
        return Fault(code=code, message=message, place=place, sample=base.sample, accept=base.accept)

    def of_base(self, base: Base) -> Iterator[Fault]:
        """All that is asked of one sample that works."""
        changing = list(self.repeated(base))
        yield from changing
        if not changing:  # else each answer differs anyway
            yield from self.rows(base)
        yield from self.garbage(base)
        yield from self.foreign_text(base)
        yield from self.empty(base)
        yield from self.charset(base)
        yield from self.unknown_types(base)

    def repeated(self, base: Base) -> Iterator[Fault]:
        """The same request again, and once more after another."""
        other = self._other(base)
        bodies = (base.body, base.body, other, self._changed(base.body), base.body)
        first, second, between, _, third = self.ask(base, *bodies)
        if failed := next((one for one in (first, second, third) if not one.ok), None):
            yield self._later(failed, base)
            return
        if not same(first, second) or not same(base.answer, first):
            yield self._changes(base)
        elif not same(second, third):
            yield self._fault("state-leak", "the answer is another one after another request in between", base)
        elif between.ok and same(between, first) and other != base.body and not self._fresh:
            # nothing wrong with a model that says the same of both; but a worker that was asked nothing before tells
            self._fresh = True
            self._restart()
            (alone,) = self.ask(base, other)
            if alone.ok and not same(alone, between):
                yield self._fault("state-leak", "another request gets the answer of the request before it", base)

    def _changes(self, base: Base) -> Fault:
        """Whether repeated requests differ by chance, or by what the handler keeps: two new workers tell."""
        runs = []
        for _ in range(2):
            self._restart()
            runs.append(self.ask(base, base.body, base.body, base.body))
        if all(same(one, other) for one, other in zip(*runs, strict=True)) and not self.source.mentions(CHANCE):
            return self._fault("state-leak", "the answer depends on how often the request was sent before", base)
        return self._fault("not-deterministic", "the same request gets another answer when it is sent again", base)

    def _other(self, base: Base) -> bytes:
        """A body with the rows of the base in reverse, or numbers that are changed."""
        rows = row_count(base.body, base.content_type) or 0
        if rows > 1 and (reversed_rows := take_rows(base.body, base.content_type, range(rows - 1, -1, -1))):
            return reversed_rows if reversed_rows != base.body else self._changed(base.body)
        return self._changed(base.body)

    @staticmethod
    def _changed(body: bytes) -> bytes:
        # digits alone are changed, so that a body in text stays valid
        return body.translate(bytes.maketrans(b"123456789", b"234567891")) if body.isascii() else body

    def _later(self, failed: Answer, base: Base) -> Fault:
        """The fault of a request that worked before and does not any more."""
        named = Failure(failed, base.sample, base.accept, self.source).name()
        if named.code != "sample-fails":
            return named
        message = f"a request that worked gets {failed.status} when it is sent again: {named.message}"
        return named.model_copy(update={"code": "state-leak", "message": message})

    def rows(self, base: Base) -> Iterator[Fault]:
        """Other numbers of rows: the answer has to have as many, and each row's prediction stays what it was."""
        total = row_count(base.body, base.content_type)
        if not total or may_be_one_row(base.body, base.content_type):
            return
        bodies = {}
        for rows in ((0, 0), (0, min(1, total - 1), 0), tuple(range(total))):
            if (body := take_rows(base.body, base.content_type, rows)) is not None:
                bodies[rows] = body
        answers = dict(zip(bodies, self.ask(base, *bodies.values()), strict=True))
        if dead := next((one for one in answers.values() if one.died), None):
            yield Failure(dead, base.sample, base.accept, self.source).name()
            return
        yield from self._alone(base, total)
        found = {rows: answer_rows(one.body, one.content_type or "") for rows, one in answers.items() if one.ok}
        known = {rows: values for rows, values in found.items() if values is not None}
        lengths = {len(rows): len(values) for rows, values in known.items()}
        if len(lengths) > 1 and not _follows(lengths, (base.answer.content_type or "").partition(";")[0]):
            yield self._row_fault(lengths, base)
            return
        everything, twice = known.get(tuple(range(total))), known.get((0, 0))
        if not everything or not twice or len(twice) != 2 or len(everything) != total:
            return
        if not alike(everything[0], twice[0]):
            yield self._fault("batch-dependent", "the first row gets another prediction beside other rows", base)

    def _alone(self, base: Base, total: int) -> Iterator[Fault]:
        """One row alone. The toolkit's own decoder makes a plain list of one row of CSV, which is not looked at."""
        one = take_rows(base.body, base.content_type, (0,))
        own = self.source.place_of("input_fn") or self.source.place_of("transform_fn")
        if total < 2 or one is None or not (own or base.content_type == JSON):
            return
        (answer,) = self.ask(base, one)
        if answer.died or answer.status >= 500:
            named = Failure(answer, base.sample, base.accept, self.source).name()
            message = f"one row alone gets {answer.status}: {named.message}"
            yield named if answer.died else named.model_copy(update={"code": "row-count", "message": message})

    def _row_fault(self, lengths: dict[int, int], base: Base) -> Fault:
        told = ", ".join(f"{sent} rows get {got}" for sent, got in sorted(lengths.items()))
        if base.content_type == CSV and all(got == sent - 1 for sent, got in lengths.items()):
            return self._fault("header-row", f"the first row is taken as a header: {told}", base, "input_fn")
        if base.content_type == CSV and all(got == sent + 1 for sent, got in lengths.items()):
            return self._fault("header-row", f"the header is taken as a row: {told}", base, "input_fn")
        return self._fault("row-count", told, base)

    def garbage(self, base: Base) -> Iterator[Fault]:
        """A body that is no valid input."""
        (answer,) = self.ask(base, GARBAGE.get(base.content_type, OTHER_GARBAGE))
        failure = Failure(answer, base.sample, base.accept, self.source)
        if answer.ok:
            if not _any_text(base):
                yield from self._accepted(answer, base, "accepts-garbage", "a body that is no valid input")
        elif answer.died:
            yield failure.name()
        elif answer.status == 500:
            place = failure.at()
            message = f"a body that cannot be read gets {answer.status}: {answer.reason[:120]}"
            yield Fault(code="client-fault-500", message=message, place=place, sample=base.sample, accept=base.accept)

    def foreign_text(self, base: Base) -> Iterator[Fault]:
        """A body of the wrong form with letters that are not ASCII: whether an error repeats them."""
        if base.content_type not in FOREIGN:
            return
        (answer,) = self.ask(base, FOREIGN[base.content_type])
        if not answer.lost or not answer.error:
            return
        fault = Failure(answer, base.sample, base.accept, self.source).name()
        file, line, _ = answer.error.places[-1] if answer.error.places else ("", 0, "")
        if fault.code != "non-ascii-error" or self.source.raises_at(file, line):
            yield fault
        else:  # float("...") of Python itself repeats its text, and hardly any handler guards against it
            message = f"text that is not ASCII ends the worker, as the error repeats it: {fault.message}"[:300]
            yield fault.model_copy(update={"code": "client-fault-500", "message": message})

    def unknown_types(self, base: Base) -> Iterator[Fault]:
        """Types that no handler knows: it may refuse them, by an error that the server can send."""
        if self._unknown:
            return
        self._unknown = True
        requests = [
            Request("probe-content-type", UNKNOWN, base.accept, None, base.body),
            Request("probe-accept", base.content_type, UNKNOWN, None, base.body),
        ]
        for request, answer in zip(requests, self._send(requests), strict=True):
            if answer.died or answer.no_answer:
                yield Failure(answer, base.sample, request.accept, self.source).name()

    def empty(self, base: Base) -> Iterator[Fault]:
        """No body at all."""
        (answer,) = self.ask(base, b"")
        if answer.ok:
            if not _any_text(base):
                yield from self._accepted(answer, base, "empty-body", "an empty body")
        elif answer.died:
            yield Failure(answer, base.sample, base.accept, self.source).name()

    def _accepted(self, answer: Answer, base: Base, code: str, what: str) -> Iterator[Fault]:
        faults = list(answer_faults(answer, base.sample, base.accept, self.source))
        if any(one.code not in ("error-as-200", "accept-ignored") for one in faults):
            yield from (one for one in faults if one.code != "not-json")  # NaN for garbage is no prediction
        elif message := error_in(answer):
            said = f"{what} gets {answer.status} with an error in the body: {message[:120]}"
            yield self._fault("error-as-200", said, base, "output_fn")
        elif not no_prediction(answer):
            yield self._fault(code, f"{what} gets {answer.status}: {answer.text[:80]}", base, "input_fn")

    def charset(self, base: Base) -> Iterator[Fault]:
        """The same body under a content type with a parameter."""
        if base.content_type not in (JSON, CSV):
            return
        kind = f"{base.content_type}; charset=utf-8"
        (answer,) = self.ask(base, base.body, content_type=kind)
        if not answer.ok:
            yield self._fault("charset", f"{kind} gets {answer.status}", base, "input_fn")

    def header(self, base_type: str, accept: str, body: bytes, sample: str) -> Fault | None:
        """The fault of a CSV sample that works only without its first row."""
        rows = row_count(body, CSV)
        lines = [line for line in body.decode("utf-8", "replace").splitlines() if line.strip()]
        if base_type != CSV or not lines:
            return None
        if rows == len(lines):
            return self._header_wanted(lines, accept, sample)
        request = Request(f"probe-{next(self.numbers)}", CSV, accept, None, ("\n".join(lines[1:]) + "\n").encode())
        (answer,) = self._send([request])
        if not answer.ok:
            return None
        message = f"the sample's first row is a header ({lines[0][:60]}), which the handler takes as data"
        return Fault(
            code="header-row", message=message, place=self.source.place_of("input_fn"), sample=sample, accept=accept
        )

    def _header_wanted(self, lines: list[str], accept: str, sample: str) -> Fault | None:
        """The fault of a CSV sample that works only with a row more at its beginning."""
        body = "".join(f"{line}\n" for line in (lines[0], *lines)).encode()
        (answer,) = self._send([Request(f"probe-{next(self.numbers)}", CSV, accept, None, body)])
        rows = answer_rows(answer.body, answer.content_type or "") if answer.ok else None
        if rows is None or len(rows) != len(lines):
            return None
        message = "the first row is taken as a header; the sample has none"
        place = self.source.place_of("input_fn")
        return Fault(code="header-row", message=message, place=place, sample=sample, accept=accept)


def smallest(send: Callable[[bytes], Answer], body: bytes, content_type: str) -> str:
    """Which rows of a sample that fails do fail alone, as text; "" where all do, or none, or rows are not known."""
    total = row_count(body, content_type)
    if not total or total < 2 or total > 64:
        return ""
    failing = []
    for row in range(total):
        one = take_rows(body, content_type, [row])
        if one is None:
            return ""
        if not send(one).ok:
            failing.append(row + 1)
    if not failing or len(failing) == total:
        return ""
    return f"row{'s' if len(failing) > 1 else ''} {', '.join(map(str, failing[:8]))} of {total}"


def _any_text(base: Base) -> bool:
    """Whether any text is a valid body, as for a model of language."""
    if base.content_type == CSV:
        return any(isinstance(cell, str) for row in answer_rows(base.body, CSV) or [] for cell in _cells(row))
    return base.content_type.startswith("text/") or base.content_type == "application/octet-stream"


def _cells(row: Any) -> list[Any]:
    return row if isinstance(row, list) else [row]


def _follows(lengths: dict[int, int], answer_type: str) -> bool:
    """Whether the answer's rows follow the request's: as many, a fixed number for each, or one more for a header."""
    ratios = {got / sent for sent, got in lengths.items()}
    if len(ratios) == 1 and next(iter(ratios)) >= 1 and next(iter(ratios)).is_integer():
        return True
    return answer_type == CSV and all(got == sent + 1 for sent, got in lengths.items())
