"""What becomes of a session: a baseline out of real MLflow, a webhook that hears of a change, and both being down."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from steps.perf.sessions import FINGERPRINT, session
from webhook import Hook

from slipway_steps.adapters.http.notifier import WebhookNotifier
from slipway_steps.adapters.mlflow.measurements import MlflowMeasurements
from slipway_steps.adapters.retry import RetryPolicy
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.verdict import Check, Verdict
from slipway_steps.perf.keeping import keep
from slipway_steps.settings import Settings

FINE = [Check(code="runs", verdict=Verdict.PASS, message="7 runs ended")]


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()
    yield found
    found.server.shutdown()
    found.server.server_close()


def notifier(url: str) -> WebhookNotifier:
    return WebhookNotifier(Settings(notify_url=SecretStr(url)), RetryPolicy(attempts=1))


def test_a_session_goes_from_its_runs_to_a_verdict_and_a_message(tmp_path: Path, hook: Hook) -> None:
    measurements, told = MlflowMeasurements(Settings(home=tmp_path)), notifier(hook.url)
    for number in range(1, 6):
        kept = keep(session(number, 6.0, checks=FINE), measurements, told)
        assert kept.session.verdict is Verdict.PASS
    for number in range(1, 6):
        measurements.set_baseline(f"perf-{number}", True)
    rows = [keep(session(number, 9.0, checks=FINE), measurements, told).session for number in (10, 11, 12)]
    assert [one.verdict for one in rows] == [Verdict.INCONCLUSIVE, Verdict.REJECT, Verdict.REJECT]
    assert keep(session(13, 6.0, checks=FINE), measurements, told).session.verdict is Verdict.PASS
    assert [str(one["text"]).partition("\n")[0] for one in hook.heard] == [
        "train regressed",
        "train is as fast as before again",
    ]
    assert "end-to-end 9 s, ×1.50 [1.50, 1.50]" in str(hook.heard[0]["text"])
    stored = measurements.sessions("d")
    assert [one.verdict for one in stored[-4:]] == [*(one.verdict for one in rows), Verdict.PASS]


def test_a_store_that_is_down_leaves_no_pass_and_hides_no_rejection(tmp_path: Path) -> None:
    down = MlflowMeasurements(Settings(home=tmp_path, tracking_uri="http://127.0.0.1:9", mlflow_retries=0))
    kept = keep(session(1, 6.0, checks=FINE), down, notifier(""))
    assert kept.session.verdict is Verdict.ERROR
    assert "127.0.0.1:9" in kept.session.checks[-1].message
    failed = [Check(code="error-rate", verdict=Verdict.REJECT, message="all failed")]
    assert keep(session(1, 6.0, checks=failed), down, notifier("")).session.verdict is Verdict.REJECT


def test_a_webhook_that_is_down_is_a_warning(tmp_path: Path) -> None:
    failed = [Check(code="error-rate", verdict=Verdict.REJECT, message="all failed")]
    measurements = MlflowMeasurements(Settings(home=tmp_path))
    kept = keep(session(1, 6.0, checks=failed), measurements, notifier("http://127.0.0.1:9/token"))
    assert kept.session.verdict is Verdict.REJECT
    assert "did not take a message" in kept.warnings[0]
    assert "token" not in kept.warnings[0]
    assert [one.name for one in measurements.sessions("d")] == ["perf-1"]


def test_a_regression_is_told_once_when_the_webhook_is_back(tmp_path: Path, hook: Hook) -> None:
    failed = [Check(code="error-rate", verdict=Verdict.REJECT, message="all failed")]
    measurements = MlflowMeasurements(Settings(home=tmp_path))
    assert keep(session(1, 6.0, checks=failed), measurements, notifier("http://127.0.0.1:9/token")).warnings
    other = FINGERPRINT.model_copy(update={"cores": 64})
    for one in (
        session(2, 6.0, checks=failed),
        session(3, 6.0, checks=failed),
        session(4, 6.0, checks=FINE, fingerprint=other),
        session(5, 6.0, checks=failed, fingerprint=other),
        session(6, 6.0, checks=FINE),
        session(7, 6.0, checks=FINE),
    ):
        assert not keep(one, measurements, notifier(hook.url)).warnings
    texts = [str(one["text"]) for one in hook.heard]
    assert ["regressed" in text for text in texts] == [True, True, False]
    assert [text.partition("session ")[2].partition(",")[0] for text in texts] == ["perf-2", "perf-5", "perf-6"]


def test_people_hear_the_end_of_what_a_new_version_has_slowed(tmp_path: Path, hook: Hook) -> None:
    failed = [Check(code="error-rate", verdict=Verdict.REJECT, message="all failed")]
    measurements = MlflowMeasurements(Settings(home=tmp_path))
    second, third = (FINGERPRINT.model_copy(update={"target_version": one}) for one in "23")
    for one in (
        session(1, 6.0, checks=failed, fingerprint=second),
        session(2, 6.0, checks=FINE, fingerprint=third),
    ):
        assert not keep(one, measurements, notifier(hook.url)).warnings
    assert ["regressed" in str(one["text"]) for one in hook.heard] == [True, False]


def test_an_edited_pipeline_ends_the_alert_of_the_one_before(tmp_path: Path, hook: Hook) -> None:
    failed = [Check(code="error-rate", verdict=Verdict.REJECT, message="all failed")]
    measurements = MlflowMeasurements(Settings(home=tmp_path))
    other = PerfScenario(mode="PIPELINE_RUN", pipeline_file_name="p.yaml", name="another")
    for one in (
        session(1, 6.0, checks=failed),
        session(2, 6.0, checks=FINE, scenario=other),
        session(3, 6.0, checks=failed, scenario_digest="edited"),
        session(4, 6.0, checks=FINE, scenario_digest="edited again"),
        session(5, 6.0, checks=FINE),
    ):
        assert not keep(one, measurements, notifier(hook.url)).warnings
    texts = [str(one["text"]).splitlines() for one in hook.heard]
    assert [(lines[0], lines[-1].partition(",")[0]) for lines in texts] == [
        ("train regressed", "session perf-1"),
        ("train passes again", "session perf-4"),
    ]
    assert "no baseline" in texts[1][1]


def test_a_pushgateway_that_is_down_is_a_warning(tmp_path: Path) -> None:
    measurements = MlflowMeasurements(Settings(home=tmp_path))
    kept = keep(session(1, 6.0, checks=FINE), measurements, notifier(""), "http://127.0.0.1:9")
    assert kept.session.verdict is Verdict.PASS
    assert "Pushgateway at http://127.0.0.1:9" in kept.warnings[0]
