"""Sends the samples to the real model server too: its answers have to be those of the handler's process."""

import sys

from slipway_steps.adapters.handlers.answer import Answer, Request
from slipway_steps.adapters.handlers.server import ServerAnswer, model_server
from slipway_steps.handlers.checks import same
from slipway_steps.handlers.exchanges import Exchanges
from slipway_steps.handlers.session import HandlerSession

HANGS = 15.0
"""Seconds to wait for an answer that should not come: the server has started its worker several times by then."""
SHOWN = 120
"""Characters of a phrase or a body that a difference shows, and that have to be equal where the request failed."""
TRACEBACK = "\nTraceback"
"""Where the body of an error goes on with a traceback, whose frames are our own in the handler's process."""


def compare_with_server(session: HandlerSession) -> list[str]:
    """Send every sample with every accept type to the real server, and to the handler's process.

    Returns a sentence for each answer that differs in status, content type, phrase or body; [] where all are equal.
    What the handler's process was not sent, after too many deaths, is not compared.
    Raises BadInput where Java or the toolkit is missing, and Broken where the server does not start.
    """
    spec = session.spec
    pairs = Exchanges(session, session.samples).pairs
    if not pairs:
        return []
    session.load()
    requests = [
        Request(str(number), sample.content_type, accept, sample.path.absolute())
        for number, (sample, accept) in enumerate(pairs)
    ]
    ours = session.send(requests)
    found = []
    with model_server(
        session.package,
        spec.python or sys.executable,
        session.temporary,
        timeout=int(spec.timeout),
        libraries=session.libraries,
    ) as server:
        for (sample, accept), answer in zip(pairs, ours, strict=True):
            if answer.not_sent:
                continue
            patience = min(HANGS, spec.request_timeout) if answer.no_answer else spec.request_timeout
            theirs = server.ask(sample.data, sample.content_type, accept or None, timeout=patience)
            if difference := _difference(answer, theirs):
                found.append(f"{sample.sample_name} as {accept or 'any type'}: {difference}")
            elif answer.no_answer and answer.death:
                break  # no worker ever loads the model, so no request gets an answer
    return found


def _difference(ours: Answer, theirs: ServerAnswer) -> str:
    late = ours.death is not None and ours.death.reason == "timeout"
    if theirs.no_answer and (ours.no_answer or late):
        return ""
    cut = ours.size > len(ours.body)
    body = theirs.body[: len(ours.body)] if cut else theirs.body
    real = Answer(ours.id, theirs.status, theirs.content_type, body, theirs.reason, len(theirs.body))
    equal = (ours.status, ours.content_type, ours.reason) == (real.status, real.content_type, real.reason)
    traced = not ours.ok or TRACEBACK in ours.text
    if equal and not theirs.no_answer and (_start(ours) == _start(real) if traced else same(ours, real)):
        return ""
    said = f"no answer ({theirs.no_answer})" if theirs.no_answer else _told(real)
    return f"the real server gives {said}, the handler's process {_told(ours)}"


def _start(answer: Answer) -> str:
    return answer.text.split(TRACEBACK)[0][:SHOWN]


def _told(answer: Answer) -> str:
    if answer.no_answer:
        return f"no answer ({answer.no_answer})"
    kind = f" {answer.content_type}" if answer.content_type else ""
    return f"{answer.status}{kind} `{_start(answer)}`"
