"""Tells people by webhook: Slack (and what speaks its format), or PagerDuty's events."""

import requests
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from slipway_steps.domain.errors import Broken
from slipway_steps.settings import Settings

TIMEOUT = 10.0
"""Seconds for one attempt; the exit handler waits for it."""
ATTEMPTS = 3


class _Again(Exception):
    """The other side may take it a second later."""


def _body(settings: Settings, summary: str, lines: list[str]) -> dict[str, object]:
    if settings.notify_format == "pagerduty":
        key = settings.notify_key.get_secret_value()
        payload = {
            "summary": summary[:1024],
            "severity": "error",
            "source": settings.app,
            "custom_details": {"lines": lines},
        }
        return {"routing_key": key, "event_action": "trigger", "dedup_key": summary[:255], "payload": payload}
    return {"text": "\n".join([summary, *lines])}


def notify(settings: Settings, summary: str, lines: list[str]) -> bool:
    """Send one message; returns False where no webhook is set.

    Raises Broken where it was not accepted. The URL is never part of a message: it is a secret.
    """
    url = settings.notify_url.get_secret_value()
    if not url:
        return False

    def send() -> None:
        try:
            answer = requests.post(url, json=_body(settings, summary, lines), timeout=TIMEOUT)
        except requests.RequestException as error:
            raise _Again(type(error).__name__) from None  # its text holds the URL
        if answer.status_code == 429 or answer.status_code >= 500:
            raise _Again(f"status {answer.status_code}")
        if answer.status_code >= 300:
            raise Broken(
                f"the {settings.notify_format} webhook refused a message: {answer.status_code}", "check its URL"
            )

    try:
        Retrying(
            retry=retry_if_exception_type(_Again), stop=stop_after_attempt(ATTEMPTS), wait=wait_exponential(0.5, max=5)
        )(send)
    except RetryError as error:
        reason = error.last_attempt.exception()
        raise Broken(f"the {settings.notify_format} webhook did not take a message: {reason}", "is it up?") from None
    return True
