"""Whole requests: every sample with every accept type through all of the handler, and what their answers show."""

import re
from collections.abc import Sequence
from functools import partial

from slipway_steps.adapters.handlers.answer import Answer, Request
from slipway_steps.domain.handler import JSON, Exchange, Fault, FunctionCall, InferenceTestSample
from slipway_steps.handlers.checks import alike, answer_faults, error_in, parsed
from slipway_steps.handlers.diagnosis import Failure
from slipway_steps.handlers.functions import request_calls
from slipway_steps.handlers.load_diagnosis import downloads
from slipway_steps.handlers.probes import Base, Probes, smallest
from slipway_steps.handlers.rows import may_be_one_row, row_count
from slipway_steps.handlers.session import HandlerSession

SHOWN = 500
"""Characters of an answer's body that a result keeps."""
DATABASES = (".db", ".sqlite", ".sqlite3", ".mdb", ".duckdb")
"""Suffixes of files that are opened to look something up, not to be loaded."""
BASES = 4
"""Samples, each of another content type, that are probed further."""


class Exchanges:
    """The requests of all samples. What they showed is in `told`, `calls`, `faults`, `notes` and `answers`."""

    def __init__(self, session: HandlerSession, samples: Sequence[InferenceTestSample]) -> None:
        self.session, self.source = session, session.inspection.source
        self.pairs = [(one, accept) for one in samples for accept in self._accepts(one)]
        self.answers: list[Answer] = []
        self.told: list[Exchange] = []
        self.calls: list[FunctionCall] = []
        self.faults: list[Fault] = []
        self.notes: list[str] = []

    def _accepts(self, sample: InferenceTestSample) -> list[str]:
        if sample.accept:
            return [sample.accept]
        accepts = self.session.spec.supported_accept_types
        return accepts if sample.should_succeed else accepts[:1]

    def run(self) -> None:
        """Send all requests and look at the answers."""
        requests = [
            Request(str(number), one.content_type, accept, one.path.absolute())
            for number, (one, accept) in enumerate(self.pairs)
        ]
        self.answers = self.session.worker.send(requests, side_by_side=True)
        for (sample, accept), answer in zip(self.pairs, self.answers, strict=True):
            self.calls += request_calls(answer, sample.sample_name, accept)
            found = list(self._judge(sample, accept, answer))
            self.faults += found
            self.told.append(_told(sample, accept, answer, not any(not one.remark for one in found)))
        if unsent := [answer.not_sent for answer in self.answers if answer.not_sent]:
            self.notes.append(f"{len(unsent)} of {len(self.pairs)} requests were {unsent[0]}")
        self._files()

    def _judge(self, sample: InferenceTestSample, accept: str, answer: Answer) -> "list[Fault]":
        if answer.not_sent:
            return []
        if not sample.should_succeed:
            return self._negative(sample, accept, answer)
        found: list[Fault] = []
        if answer.connections and answer.ok:
            place = self.source.place_of("predict_fn") or self.source.place_of("transform_fn")
            found.append(downloads(answer.connections, "a request", place))
        if sample.status is not None and answer.status != sample.status:
            found.append(self._unexpected(sample, accept, answer, f"status {answer.status} instead of {sample.status}"))
        if answer.ok:
            found += self._answered(sample, accept, answer)
            if sample.expect is not None and not alike(parsed(answer), sample.expect):
                found.append(self._unexpected(sample, accept, answer, f"the answer is {answer.text[:120]}"))
            return found
        if sample.status == answer.status:
            return found
        fault = self._failure(sample, accept, answer)
        return found if fault is None else [*found, fault]

    def _answered(self, sample: InferenceTestSample, accept: str, answer: Answer) -> list[Fault]:
        data, kind = sample.data, sample.content_type
        rows = None if may_be_one_row(data, kind) else row_count(data, kind)
        return list(answer_faults(answer, sample.sample_name, accept, self.source, rows))

    def _failure(self, sample: InferenceTestSample, accept: str, answer: Answer) -> Fault | None:
        request = Request("retry", sample.content_type, accept, sample.path.absolute())
        works = partial(self.session.worker.retry, request)
        fault = Failure(answer, sample.sample_name, accept, self.source, works).name()
        if answer.death or answer.lost:
            return fault
        if fault.code == "type-refused" and self._optional(sample, accept):
            note = f"{accept} is not answered: {fault.message}"
            if note not in self.notes:
                self.notes.append(note)
            return None
        if fault.code == "sample-fails":
            probes = Probes(self.session.send, self.session.worker.restart, self.source)
            header = probes.header(sample.content_type, accept, sample.data, sample.sample_name)
            if header:
                return header
        rows = smallest(lambda body: self._one(sample, accept, body), sample.data, sample.content_type)
        return fault.model_copy(update={"rows": rows})

    def _one(self, sample: InferenceTestSample, accept: str, body: bytes) -> Answer:
        return self.session.send([Request("part", sample.content_type, accept, None, body)])[0]

    def _optional(self, sample: InferenceTestSample, accept: str) -> bool:
        """Whether nobody said that the handler supports an accept type, and it answers another one."""
        if sample.accept or "supported_accept_types" in self.session.spec.model_fields_set:
            return False
        return any(
            answer.ok and one is sample and other != accept
            for (one, other), answer in zip(self.pairs, self.answers, strict=True)
        )

    def _unexpected(self, sample: InferenceTestSample, accept: str, answer: Answer, message: str) -> Fault:
        name = sample.sample_name
        if answer.error:
            place = Failure(answer, name, accept, self.source).at()
        else:
            place = self.source.place_of("predict_fn") or self.source.place_of("transform_fn")
        return Fault(code="unexpected-answer", message=f"{name}: {message}", place=place, sample=name, accept=accept)

    def _negative(self, sample: InferenceTestSample, accept: str, answer: Answer) -> list[Fault]:
        if answer.died or answer.no_answer:
            return [Failure(answer, sample.sample_name, accept, self.source).name()]
        if answer.ok:
            if found := [one for one in self._answered(sample, accept, answer) if one.code != "accept-ignored"]:
                return found
            error = error_in(answer)
            code = "error-as-200" if error else "accepts-garbage"
            message = f"{sample.sample_name} should be refused and gets {answer.status}: {(error or answer.text)[:120]}"
            place = self.source.place_of("output_fn" if error else "input_fn") or self.source.place_of("transform_fn")
            return [Fault(code=code, message=message, place=place, sample=sample.sample_name, accept=accept)]
        found = []
        said = f"{answer.reason}\n{answer.text}"
        if sample.error_pattern is not None and not re.search(sample.error_pattern, said):
            message = f"`{sample.error_pattern}` is not in the error: {answer.reason[:160]}"
            found.append(self._unexpected(sample, accept, answer, message))
        if sample.status is not None and answer.status != sample.status:
            found.append(self._unexpected(sample, accept, answer, f"status {answer.status} instead of {sample.status}"))
        elif sample.status is None and answer.status == 500:
            place = Failure(answer, sample.sample_name, accept, self.source).at()
            message = f"{sample.sample_name} is the client's fault and gets 500: {answer.reason[:120]}"
            found.append(Fault(code="client-fault-500", message=message, place=place, sample=sample.sample_name))
        return found

    def _files(self) -> None:
        """A handler that opens the model's files in later requests loads the model again."""
        loaded = set(self.session.loaded.opened) if self.session.loaded else set()
        well = [set(answer.opened) for answer in self.answers if answer.ok]
        if len(well) < 2 or any(answer.death for answer in self.answers):
            return
        # the first request may load what model_fn has left for it; a file that all of them read is read each time
        each = set.intersection(*well)
        later = [opened & loaded for opened in well[1:] if opened & loaded]
        again = set().union(*later) if len(later) > 1 else each & loaded
        if not loaded:
            again = {name for name in each if not name.endswith(DATABASES)}
        if not again:
            return
        names = ", ".join(sorted(again))
        place = self.source.place_of("predict_fn") or self.source.place_of("transform_fn")
        self.faults.append(Fault(code="reloads", message=f"each request opens {names} again", place=place))

    def bases(self) -> list[Base]:
        """For each content type a sample that works, with the accept type that is compared best."""
        found: dict[str, Base] = {}
        for (sample, accept), answer in zip(self.pairs, self.answers, strict=True):
            if not (sample.should_succeed and answer.ok):
                continue
            best = found.get(sample.content_type)
            base = Base(sample.sample_name, sample.data, sample.content_type, accept, answer)
            if best is None or _worth(base) > _worth(best):
                found[sample.content_type] = base
        return list(found.values())[:BASES]


def _worth(base: Base) -> tuple[bool, bool]:
    """How much the probes can see with a base: rows that can be compared, in JSON."""
    return (row_count(base.body, base.content_type) or 0) > 1, base.accept == JSON


def _told(sample: InferenceTestSample, accept: str, answer: Answer, success: bool) -> Exchange:
    return Exchange(
        sample=sample.sample_name,
        content_type=sample.content_type,
        accept=accept,
        success=success and not answer.not_sent,
        status=answer.status,
        answer_type=answer.content_type or "",
        body=answer.not_sent or answer.text[:SHOWN],
        sha256=answer.sha256,
        seconds=answer.seconds,
        died=answer.died,
        not_sent=bool(answer.not_sent),
    )
