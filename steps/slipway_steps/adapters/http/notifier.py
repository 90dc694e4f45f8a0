"""Sends messages to a webhook: Slack (or any service that accepts its format), or PagerDuty's events API."""

from collections.abc import Sequence

import requests

from slipway_steps.adapters.retry import Again, RetryPolicy
from slipway_steps.domain.errors import Broken
from slipway_steps.settings import Settings

TIMEOUT = 10.0
"""Seconds for one attempt. The exit handler waits for it."""
FEW = RetryPolicy(attempts=3)
"""Fewer attempts than usual: an exit handler should not wait for long, and its log has the message too."""


class WebhookNotifier:
    """Implements ports.Notifier with the webhook of the settings. Its URL is a secret and never part of an error
    message.
    """

    def __init__(self, settings: Settings, retry: RetryPolicy = FEW) -> None:
        self.settings = settings
        self.retry = retry

    def notify(self, summary: str, lines: Sequence[str], failed: bool = True, key: str = "") -> bool:
        """Post one message. PagerDuty would wake somebody, so it only gets those of what failed, as an event that
        triggers an alert, and an event that resolves the alert of the same key.

        Returns False where nothing was posted. Raises Broken where it was not accepted.
        """
        url, speaks = self.settings.notify_url.get_secret_value(), self.settings.notify_format
        if not url or (speaks == "pagerduty" and not (failed or key)):
            return False
        body = self._body(summary, lines, failed, key)
        try:
            status = self.retry.call(lambda: _posted(url, body))
        except Again as error:
            raise Broken(f"the {speaks} webhook did not take a message: {error}", "is it up?") from None
        if status >= 300:
            raise Broken(f"the {speaks} webhook refused a message: {status}", "check its URL")
        return True

    def _body(self, summary: str, lines: Sequence[str], failed: bool, key: str) -> dict[str, object]:
        if self.settings.notify_format == "slack":
            return {"text": "\n".join([summary, *lines])}
        event: dict[str, object] = {
            "routing_key": self.settings.notify_key.get_secret_value(),
            "event_action": "trigger" if failed else "resolve",
            "dedup_key": (key or summary)[:255],
        }
        if failed:
            event["payload"] = {
                "summary": summary[:1024],
                "severity": "error",
                "source": self.settings.app,
                "custom_details": {"lines": list(lines)},
            }
        return event


def _posted(url: str, body: dict[str, object]) -> int:
    """Post the message and return the status of the answer. Raises Again where another attempt may help."""
    try:
        answer = requests.post(url, json=body, timeout=TIMEOUT)
    except requests.RequestException as error:
        raise Again(type(error).__name__) from None  # its text holds the URL
    if answer.status_code == 429 or answer.status_code >= 500:
        raise Again(f"status {answer.status_code}")
    return answer.status_code
