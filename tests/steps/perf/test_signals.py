"""Ctrl-C and SIGTERM at each moment of a session: what was measured is kept, and nothing is left."""

import json
import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from steps.perf.sleeping_target import SleepingTarget
from steps.perf.test_driver import session

from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import RunOutcome
from slipway_steps.domain.verdict import Verdict
from slipway_steps.perf.driver import SessionInterrupted
from slipway_steps.perf.plugins import PerformancePlugin
from slipway_steps.perf.runner import PerfContext
from slipway_steps.perf.signals import Signals
from slipway_steps.perf.store import read_session


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_was_measured(tmp_path: Path, number: signal.Signals) -> None:
    target = SleepingTarget(0.8)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), number))
    timer.start()
    with pytest.raises(SessionInterrupted) as caught:
        session(tmp_path, target, numTimes=100, concurrency=2)
    found = caught.value.session
    assert 2 <= len(found.timed) < 50
    assert found.verdict is Verdict.INCONCLUSIVE
    assert len(target.stopped) == sum(run.outcome is RunOutcome.UNFINISHED for run in found.runs) > 0
    assert target.removed == [found.name]
    assert json.loads((tmp_path / "perf" / found.name / "session.json").read_text())["name"] == found.name


class Signalled(SleepingTarget):
    """Sends this program a signal while it prepares, or while it removes what it has made."""

    def __init__(self, number: signal.Signals, moment: str) -> None:
        super().__init__()
        self.number, self.moment = number, moment

    def prepare(self, session: str, scenario: PerfScenario, pipeline: Path | None) -> None:
        super().prepare(session, scenario, pipeline)
        self._signal("prepare")

    def remove(self, session: str) -> Sequence[str]:
        self._signal("remove")
        return super().remove(session)

    def _signal(self, moment: str) -> None:
        if moment == self.moment:
            os.kill(os.getpid(), self.number)
            time.sleep(0.2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_first_run_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    target, before = Signalled(number, "prepare"), signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        session(tmp_path, target)
    assert (target.started, target.removed) == ({}, [target.session])
    assert list((tmp_path / "perf").iterdir()) == []
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["store", "remove"])
def test_a_signal_after_the_last_run_costs_nothing(tmp_path: Path, number: signal.Signals, moment: str) -> None:
    class Asked(PerformancePlugin):
        def collect_metrics(self, context: PerfContext) -> dict[str, object]:
            if moment == "store":
                os.kill(os.getpid(), number)
                time.sleep(0.2)
            return {"asked": 1}

    target = Signalled(number, moment)
    with pytest.raises(SessionInterrupted) as caught:
        session(tmp_path, target, plugins={"own": Asked()})
    found = caught.value.session
    assert (len(found.timed), found.plugins["own"]["metrics"]) == (6, {"asked": 1})
    assert target.removed == [found.name]
    stored = read_session(tmp_path / "perf" / found.name)
    assert stored is not None
    assert len(stored.timed) == 6


def test_a_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    """People who press it again, because removing what was made takes long, need not wait."""
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert signals.interrupted
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)


def test_what_came_before_is_not_forgotten() -> None:
    called: list[bool] = []
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        signals.stopping(lambda: called.append(True))
        assert called == [True]
        with pytest.raises(KeyboardInterrupt):
            signals.raising()
