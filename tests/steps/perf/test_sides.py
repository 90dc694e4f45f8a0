"""The sides of a comparison: what stays of them where something could not be removed."""

from pathlib import Path

import pytest
from steps.perf.comparisons import Compared, noisy

from slipway_steps.domain.comparison import Side
from slipway_steps.domain.errors import BadInput, Broken
from slipway_steps.domain.verdict import Verdict
from slipway_steps.perf.sides import open_side
from slipway_steps.perf.store import BEGUN


def away(session: str) -> list[str]:
    raise Broken("the API server answered 503")


def test_what_cannot_be_removed_costs_no_comparison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Compared(noisy(seed=1), noisy(0.6, seed=2), tmp_path)
    monkeypatch.setattr(asked.targets[Side.HEAD], "remove", away)
    found = asked.run()
    assert found.verdict is Verdict.PASS
    kept = {side: asked.session(side) for side in Side}
    assert [note for one in kept.values() if one for note in one.notes if "503" in note] == [
        "not all of perf-x-head could be removed: the API server answered 503; try again: slipway perf clean"
    ]
    assert (asked.directory / "perf-x-head" / BEGUN).exists(), "so that slipway perf clean finds it"
    assert not (asked.directory / "perf-x-base" / BEGUN).exists()


def test_what_cannot_be_removed_hides_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Compared(noisy(), noisy(), tmp_path)
    target = asked.targets[Side.BASE]
    monkeypatch.setattr(target, "remove", away)

    def refused(*_: object) -> None:
        raise BadInput("resourceLimits need more than there is")

    monkeypatch.setattr(target, "prepare", refused)
    with (
        pytest.raises(BadInput, match="resourceLimits"),
        open_side(asked.scenario, target, asked.directory, "perf-y", "v1") as side,
    ):
        side.prepare(asked.directory / "p.yaml")
    assert "503" in side.left
    assert (asked.directory / "perf-y" / BEGUN).exists()
