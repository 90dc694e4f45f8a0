"""The process of a handler answers what the real server answered, case by case; and so does the real server here."""

import shutil
import sys
import time
from pathlib import Path

import pytest
import recorded_answers
from recorded_answers import Case, by_package, cases, package
from sampling import sampled

from slipway_steps.adapters.handlers.answer import Answer, Request
from slipway_steps.adapters.handlers.process import WorkerLimits
from slipway_steps.adapters.handlers.scratch import scratch
from slipway_steps.adapters.handlers.server import model_server
from slipway_steps.adapters.handlers.worker import HandlerWorker

SEEN = 100
"""Characters of a phrase or a body that have to be equal."""


def name_of(group: list[Case]) -> str:
    return group[0].name


def ask(directory: Path, group: list[Case], own: Path) -> list[Answer]:
    requests = [Request(case.name, case.content_type, case.accept or "", body=case.body) for case in group]
    with scratch(own) as temporary:
        limits = WorkerLimits(2 * 1024**3, group[0].timeout, time.monotonic() + 300)
        with HandlerWorker(directory, sys.executable, temporary, limits) as worker:
            return worker.send(requests)


@pytest.mark.parametrize(
    "group",
    [group for file in recorded_answers.FILES for group in sampled(by_package(cases(file)), 8)],
    ids=name_of,
)
def test_the_process_of_a_handler_answers_as_the_real_server_did(group: list[Case], tmp_path: Path) -> None:
    directory = package(tmp_path / "package", group[0].source)
    for case, answer in zip(group, ask(directory, group, tmp_path), strict=True):
        if case.answer is None:
            assert (answer.status, bool(answer.no_answer)) == (0, True), case.name
            continue
        got = recorded_answers.recorded(answer.status, answer.reason, answer.content_type, answer.body, directory)
        for key, wanted in case.answer.items():
            assert str(got[key])[:SEEN] == str(wanted)[:SEEN], (case.name, key)
        assert (answer.died, answer.no_answer) == (case.died, ""), case.name


@pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed: default-jre-headless")
@pytest.mark.parametrize("group", sampled(by_package(cases(recorded_answers.FILES[0])), 8), ids=name_of)
def test_the_real_server_answers_here_as_it_was_recorded(group: list[Case], tmp_path: Path) -> None:
    directory = package(tmp_path / "package", group[0].source)
    with scratch(tmp_path) as own, model_server(directory, sys.executable, own, timeout=group[0].timeout) as server:
        for case in group:
            wanted = {key: case.told[key] for key in ("answer", "no_answer", "ping", "ping_after")}
            assert recorded_answers.ask(server, case, directory) == wanted, case.name
