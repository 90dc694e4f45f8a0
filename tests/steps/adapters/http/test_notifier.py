"""Messages by webhook, over real HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from webhook import Hook

from slipway_steps.adapters.http.notifier import WebhookNotifier
from slipway_steps.adapters.retry import RetryPolicy
from slipway_steps.domain.errors import Broken
from slipway_steps.settings import Settings


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()
    yield found
    found.server.shutdown()
    found.server.server_close()


def notifier(url: str, **settings: Any) -> WebhookNotifier:
    return WebhookNotifier(Settings(notify_url=SecretStr(url), **settings), RetryPolicy(attempts=3, first_wait=0.0))


def test_nobody_is_told_without_a_webhook() -> None:
    assert not notifier("").notify("x", [])


def test_slack_gets_a_text(hook: Hook) -> None:
    assert notifier(hook.url).notify("release-1: Failed", ["load: p95 2500.0"])
    assert hook.heard == [{"text": "release-1: Failed\nload: p95 2500.0"}]


def test_pagerduty_gets_an_event(hook: Hook) -> None:
    assert notifier(hook.url, notify_format="pagerduty", notify_key=SecretStr("k")).notify("release-1: Failed", ["a"])
    (event,) = hook.heard
    assert (event["routing_key"], event["event_action"]) == ("k", "trigger")
    assert event["payload"] == {
        "summary": "release-1: Failed",
        "severity": "error",
        "source": "model-app",
        "custom_details": {"lines": ["a"]},
    }


def test_a_busy_webhook_is_asked_again(hook: Hook) -> None:
    hook.statuses = [503]
    assert notifier(hook.url).notify("x", [])
    assert len(hook.heard) == 2


@pytest.mark.parametrize("statuses", [[404], [500, 500, 500]])
def test_what_is_not_accepted_is_said_without_the_secret(hook: Hook, statuses: list[int]) -> None:
    hook.statuses = statuses
    with pytest.raises(Broken, match="webhook") as caught:
        notifier(hook.url).notify("x", [])
    assert "secret-token" not in str(caught.value)
    assert "secret-token" not in repr(notifier(hook.url).settings)


def test_a_webhook_that_is_away_is_said_without_the_secret(hook: Hook) -> None:
    hook.server.shutdown()
    hook.server.server_close()
    with pytest.raises(Broken, match="ConnectionError") as caught:
        notifier(hook.url).notify("x", [])
    assert "secret-token" not in str(caught.value)


def test_a_release_that_passed_wakes_nobody(hook: Hook) -> None:
    assert not notifier(hook.url, notify_format="pagerduty").notify("release-1: Succeeded", [], failed=False)
    assert hook.heard == []
    assert notifier(hook.url).notify("release-1: Succeeded", [], failed=False)
    assert hook.heard == [{"text": "release-1: Succeeded"}]
