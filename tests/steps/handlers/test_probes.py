"""Probes ask a handler what no sample asks."""

from collections.abc import Sequence

import pytest

from slipway_steps.adapters.handlers.answer import Answer, Request
from slipway_steps.domain.handler import JSON
from slipway_steps.handlers.probes import Base, Probes
from slipway_steps.handlers.source import Source


def asked(body: bytes) -> list[bytes]:
    """The bodies with other numbers of rows that are sent beside this one."""
    sent: list[bytes] = []

    def send(requests: Sequence[Request]) -> list[Answer]:
        sent.extend(request.body for request in requests)
        return [Answer(request.id, 400, JSON, b"") for request in requests]

    probes = Probes(send, lambda: None, Source({}, {}))
    assert list(probes.rows(Base("sample", body, JSON, JSON, Answer("0", 200, JSON, b"[1, 2]")))) == []
    return sent


def test_rows_are_asked_for_in_other_numbers() -> None:
    assert asked(b"[[1], [2]]") == [b"[[1], [1]]", b"[[1], [2], [1]]", b"[[1], [2]]", b"[[1]]"]
    assert asked(b"[[1]]") == [b"[[1], [1]]", b"[[1], [1], [1]]", b"[[1]]"]
    assert asked(b'{"a": 1}\n{"a": 2}')[0] == b'{"a": 1}\n{"a": 1}\n'


@pytest.mark.parametrize("body", [b"[5.1, 3.5]", b'{"instances": ["Bern", 2.5]}', b"3"])
def test_a_body_whose_rows_nobody_knows_is_left_as_it_is(body: bytes) -> None:
    assert asked(body) == []
