"""retryStrategy: whether a failed node is tried again, and after how long."""

from collections.abc import Mapping
from typing import Any

from slipway_workflows.engine import exprlang
from slipway_workflows.engine.durations import seconds
from slipway_workflows.engine.expression_error import ExpressionError
from slipway_workflows.engine.tree import Node

POLICIES = {
    "Always": {"Failed", "Error"},
    "OnFailure": {"Failed"},
    "OnError": {"Error"},
    "OnTransientError": set[str](),
}


class Retry:
    """A retryStrategy. `limit` excludes the first try; None means without end."""

    def __init__(self, strategy: Mapping[str, Any]) -> None:
        limit = strategy.get("limit")
        self.limit = int(limit) if limit is not None else None
        self.expression = strategy.get("expression")
        self.policy = strategy.get("retryPolicy") or ("Always" if self.expression else "OnFailure")
        if self.policy not in POLICIES:
            raise ExpressionError(f"retryPolicy {self.policy!r} is unknown", f"known: {', '.join(POLICIES)}")
        self.backoff = strategy.get("backoff") or {}

    def again(self, node: Node, attempt: int) -> bool:
        """Whether a failed attempt (counted from 0) is followed by another. Raises ExpressionError."""
        if self.limit is not None and attempt >= self.limit:
            return False
        if node.phase not in POLICIES[self.policy]:
            return False
        if not self.expression:
            return True
        last = {"exitCode": str(node.exit_code or 0), "status": node.phase, "message": node.message, "duration": "0"}
        return exprlang.evaluate_bool(self.expression, {"lastRetry": last, "retries": str(attempt)})

    def pause(self, attempt: int) -> float:
        """Seconds before the next: duration x factor^attempt, capped. Without a limit Argo ignores the backoff."""
        if self.limit is None or "duration" not in self.backoff:
            return 0.0
        found = seconds(self.backoff["duration"]) * float(self.backoff.get("factor") or 1) ** attempt
        return min(found, seconds(self.backoff["cap"])) if "cap" in self.backoff else found
