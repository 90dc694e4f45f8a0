"""What keeps an Application from being as it was told, in words: each state of Argo CD has its answer."""

from datetime import datetime
from typing import Any

STALE_AFTER = 15 * 60.0
"""Seconds without a look of Argo CD at an Application; it looks every three minutes by itself."""
UNCOMPARABLE = ("ComparisonError", "InvalidSpecError")
HEALTH = {
    "Missing": "resources of it are missing in the cluster",
    "Unknown": "Argo CD cannot tell its health",
    "Suspended": "it is suspended",
}


def trouble(app: dict[str, Any], now: float) -> str:
    """Why the Application is not, or may not be, as its spec says; "" where nothing speaks against it.

    `now`: Unix seconds. Health alone is no answer: an Application that cannot be rendered is Healthy, so what is
    known of its comparison and its sync comes first.
    """
    status = app.get("status") or {}
    return _old(status, now) or _comparison(status) or _operation(app, status) or _health(status)


def _old(status: dict[str, Any], now: float) -> str:
    looked = status.get("reconciledAt")
    if not looked:
        return "" if status.get("sync") else "Argo CD has not looked at it yet: does its application controller run?"
    minutes = (now - datetime.fromisoformat(looked).timestamp()) / 60
    if minutes * 60 < STALE_AFTER:
        return ""
    return f"Argo CD last looked at it {minutes:.0f} minutes ago: does its application controller run?"


def _comparison(status: dict[str, Any]) -> str:
    for condition in status.get("conditions") or []:
        if condition.get("type") in UNCOMPARABLE:
            return f"Argo CD cannot compare it: {condition.get('message', '')}"
    return ""


def _operation(app: dict[str, Any], status: dict[str, Any]) -> str:
    state = status.get("operationState") or {}
    sync = (status.get("sync") or {}).get("status", "Unknown")
    if app.get("operation") or state.get("phase") == "Running":
        return "it is being synced"
    if state.get("phase") in ("Failed", "Error") and sync != "Synced":
        return f"its last sync is {state['phase']}: {state.get('message', '')}"
    if sync == "Unknown":
        return "Argo CD cannot tell whether it is synced"
    if sync != "Synced":
        return f"it is {sync} and nobody syncs it: it was changed by somebody else, or its operation was lost"
    return ""


def _health(status: dict[str, Any]) -> str:
    health = (status.get("health") or {}).get("status", "Unknown")
    if health == "Degraded":
        told = [
            f"{one.get('kind')} {one.get('name')}: {one['health'].get('message', 'Degraded')}"
            for one in status.get("resources") or []
            if (one.get("health") or {}).get("status") == "Degraded"
        ]
        return "it is Degraded" + (f": {'; '.join(told)}" if told else "")
    return HEALTH.get(health, "")
