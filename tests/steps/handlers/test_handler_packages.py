"""The packaged models that tests use are valid under the real toolkit."""

import json
import time
from pathlib import Path

import pytest
from handler_packages import PACKAGES, REQUESTS, make_package

from slipway_steps.adapters.handlers.answer import Request
from slipway_steps.adapters.handlers.process import WorkerLimits
from slipway_steps.adapters.handlers.scratch import scratch
from slipway_steps.adapters.handlers.worker import HandlerWorker
from slipway_steps.domain.handler import CSV, JSON
from slipway_steps.handlers.rows import answer_rows, row_count


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_answers_all_types_and_refuses_the_rest(name: str, tmp_path: Path) -> None:
    package = make_package(name, tmp_path / "package")
    good = [
        Request(f"{sent}>{accept}", sent, accept, body=REQUESTS[name][sent])
        for sent in (JSON, CSV)
        for accept in (JSON, CSV)
    ]
    bad = [
        Request(f"bad {number}", sent, JSON, body=body)
        for number, (sent, body) in enumerate(
            [
                (JSON, b'{"garbage": '),
                (JSON, b""),
                (JSON, b"[]"),
                (JSON, b"[[NaN]]"),
                (JSON, b'[{"no": "such"}]'),
                (CSV, b""),
                (CSV, b'garbage,"\x01not a number\n,,;'),
                ("application/x-unknown", b"1"),
            ]
        )
    ]
    other = Request("charset", f"{JSON}; charset=utf-8", JSON, body=REQUESTS[name][JSON])
    limits = WorkerLimits(2 * 1024**3, 60.0, time.monotonic() + 120)
    with scratch(tmp_path / "scratch") as temporary, HandlerWorker(package, "", temporary, limits) as worker:
        loaded = worker.load()
        assert loaded.loaded, loaded
        answers = {answer.id: answer for answer in worker.send([*good, other, *bad, *good])}
    rows = []
    for request in good:
        answer = answers[request.id]
        assert (answer.status, answer.content_type) == (200, request.accept), answer
        assert row_count(request.body, request.content_type) == 3
        rows.append(answer_rows(answer.body, request.accept))
        assert len(rows[-1] or []) == 3
    assert rows[0] == rows[2], "the same rows as JSON and CSV get other answers"
    assert rows[1] == rows[3]
    assert answers["charset"].body == answers[good[0].id].body
    for request in bad:
        answer = answers[request.id]
        assert 400 <= answer.status < 500, (request, answer)
        assert answer.reason.isascii()
    assert json.loads(answers[good[0].id].body)
