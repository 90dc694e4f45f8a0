"""What people are told about sessions, by a real webhook: once for each change."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from steps.perf.sessions import FINGERPRINT, session
from webhook import Hook

from slipway_steps.adapters.http.notifier import WebhookNotifier
from slipway_steps.domain.errors import Broken
from slipway_steps.domain.verdict import Check, Verdict
from slipway_steps.perf.alerts import alert
from slipway_steps.settings import Settings

SLOW = Check(code="baseline-end-to-end", verdict=Verdict.REJECT, message="end-to-end 7 s, ×1.17 [1.15, 1.19]; `train`")

FAST = Check(code="baseline-end-to-end", verdict=Verdict.PASS, message="end-to-end 6 s, ×1.00 [0.99, 1.01]")


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()
    yield found
    found.server.shutdown()
    found.server.server_close()


def told(hook: Hook, *verdicts: Verdict, notify_format: str = "slack") -> list[bool]:
    """Which of a row of sessions sent a message."""
    settings = Settings.model_validate(
        {"notify_url": SecretStr(hook.url), "notify_format": notify_format, "notify_key": SecretStr("k")}
    )
    notifier, known = WebhookNotifier(settings), Verdict.PASS
    sent = []
    for number, verdict in enumerate(verdicts, 1):
        before = len(hook.heard)
        checks = [SLOW] if verdict is Verdict.REJECT else [FAST]
        known = alert(notifier, session(number, 6.0, verdict=verdict, checks=checks), known)
        sent.append(len(hook.heard) > before)
    return sent


def test_one_message_for_each_change_of_state(hook: Hook) -> None:
    good, bad, unknown = Verdict.PASS, Verdict.REJECT, Verdict.INCONCLUSIVE
    row = [good, unknown, bad, bad, unknown, bad, good, good, bad]
    assert told(hook, *row) == [False, False, True, False, False, False, True, False, True]
    texts = [str(one["text"]) for one in hook.heard]
    assert texts[0] == (f"train regressed\n{SLOW.message}\nsession perf-3, revision v1, target local"), (
        "the value, its interval and the step are in the check"
    )
    assert texts[1].startswith("train is as fast as before again\nsession perf-7")
    assert len(texts) == 3


def test_the_first_session_of_all_tells_a_regression_alone(hook: Hook) -> None:
    assert told(hook, Verdict.PASS) == [False]
    assert told(hook, Verdict.REJECT) == [True]


def test_good_news_ends_the_alert_of_pagerduty(hook: Hook) -> None:
    row = [Verdict.PASS, Verdict.REJECT, Verdict.REJECT, Verdict.PASS, Verdict.PASS, Verdict.REJECT]
    assert told(hook, *row, notify_format="pagerduty") == [False, True, False, True, False, True]
    assert [one["event_action"] for one in hook.heard] == ["trigger", "resolve", "trigger"]
    assert len({one["dedup_key"] for one in hook.heard}) == 1, "one alert for a scenario on a machine"
    assert str(hook.heard[0]["dedup_key"]).startswith(f"slipway-perf-{session(1, 6.0).subject}-")
    payload = hook.heard[0]["payload"]
    assert isinstance(payload, dict)
    assert payload["custom_details"]["lines"][0] == SLOW.message
    assert hook.heard[1] == {
        "routing_key": "k",
        "event_action": "resolve",
        "dedup_key": hook.heard[0]["dedup_key"],
    }


def test_what_a_new_version_of_the_target_slowed_ends_with_the_next_one(hook: Hook) -> None:
    settings = Settings.model_validate({"notify_url": SecretStr(hook.url), "notify_format": "pagerduty"})
    notifier = WebhookNotifier(settings)
    for version, verdict, known in (("2", Verdict.REJECT, Verdict.PASS), ("3", Verdict.PASS, Verdict.REJECT)):
        made = FINGERPRINT.model_copy(update={"target_version": version})
        alert(notifier, session(1, 6.0, verdict=verdict, checks=[SLOW], fingerprint=made), known)
    assert [one["event_action"] for one in hook.heard] == ["trigger", "resolve"]
    assert len({one["dedup_key"] for one in hook.heard}) == 1


def test_a_regression_that_nobody_was_told_is_told_later(hook: Hook) -> None:
    bad = session(1, 6.0, verdict=Verdict.REJECT, checks=[SLOW])
    assert alert(WebhookNotifier(Settings()), bad, Verdict.PASS) is Verdict.PASS, "there is no receiver yet"
    hook.statuses = [400]
    notifier = WebhookNotifier(Settings(notify_url=SecretStr(hook.url)))
    with pytest.raises(Broken):
        alert(notifier, bad, Verdict.PASS)
    assert alert(notifier, bad, Verdict.PASS) is Verdict.REJECT
