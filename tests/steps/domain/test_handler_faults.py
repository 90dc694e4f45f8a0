"""The catalogue of faults: each says what it means, what the real server does, and how to mend it."""

from slipway_steps.domain.handler import FUNCTIONS
from slipway_steps.domain.handler_faults import KINDS


def test_each_kind_says_everything() -> None:
    for code, kind in KINDS.items():
        assert kind.code == code
        assert kind.sentence.endswith("."), code
        assert kind.server, code
        assert kind.advice, code
        assert kind.function in ("", *FUNCTIONS), code


def test_remarks_are_few() -> None:
    assert {kind.code for kind in KINDS.values() if kind.remark} == {
        "unpinned",
        "charset",
        "client-fault-500",
        "skew-unchecked",
    }
