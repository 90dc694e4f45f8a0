"""`retryStrategy`: whether a Retry node makes another attempt, when, and its phase in the end."""

import asyncio
import contextlib
from typing import Any

from slipway_workflows.engine.errors import ExpressionError, NodeError
from slipway_workflows.engine.language import golang
from slipway_workflows.engine.language.durations import moment, seconds
from slipway_workflows.engine.language.expressions import evaluate_bool
from slipway_workflows.engine.language.numbers import whole_number
from slipway_workflows.engine.run.operation import Operation
from slipway_workflows.engine.state.nodes import Node, Tree

RETRIED_PHASES = {"Always": ("Failed", "Error"), "OnFailure": ("Failed",), "OnError": ("Error",)}
"""For each retryPolicy the phases after which it makes another attempt. OnTransientError has none: it is for errors of
a cluster, which do not happen to a process."""


def last_retry(last: Node | None) -> dict[str, str | None]:
    """The values of `lastRetry.*` after the attempt `last`; None: before the first attempt."""
    if last is None:
        return {"lastRetry.exitCode": "0", "lastRetry.status": "", "lastRetry.duration": "0", "lastRetry.message": ""}
    took = moment(last.finished) - moment(last.started) if last.finished else 0
    return {
        "lastRetry.exitCode": str(last.outputs.get("exitCode", "-1")),
        "lastRetry.status": last.phase,
        "lastRetry.duration": str(int(took)),
        "lastRetry.message": last.message,
    }


class Retries:
    """The attempts of one Retry node, `node`. `strategy`: the retryStrategy of its template."""

    def __init__(self, strategy: dict[str, Any], tree: Tree, node: Node, operation: Operation) -> None:
        self.strategy = strategy
        self.tree = tree
        self.node = node
        self.operation = operation

    def values(self) -> dict[str, str | None]:
        """The values of `retries` and `lastRetry.*` for the next attempt."""
        attempts = self.tree.attempts(self.node)
        return {**last_retry(attempts[-1] if attempts else None), "retries": str(len(attempts))}

    @property
    def after_errors(self) -> bool:
        """Whether another attempt follows one that could not be started. If not, the Retry node gets its error."""
        return self._policy in ("Always", "OnError", "OnTransientError")

    @property
    def _policy(self) -> str:
        return str(self.strategy.get("retryPolicy") or ("Always" if self.strategy.get("expression") else "OnFailure"))

    async def may_retry(self, last: Node, on_exit: bool) -> bool:
        """Decide about another attempt, after the attempt `last` has ended.

        Returns True when the next attempt has to begin, after the pause before it. Otherwise it gives the Retry node
        its outputs and its final phase, and returns False.
        """
        if not last.failed:
            return self._end(last, last.phase, "")
        try:
            stop = self._reason_to_stop(last, on_exit)
            if stop:
                return self._end(last, last.phase, stop)
            pause = self._pause(last)
        except NodeError as error:
            return self._end(last, "Error", str(error))
        if pause is None:
            return self._end(last, last.phase, "Max duration limit exceeded")
        if pause > 0:
            self.tree.mark(self.node, "Running", f"Backoff for {pause:g} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.operation.shutdown.event(on_exit).wait(), pause)
            if not self.operation.shutdown.may_run(on_exit):
                return self._end(last, last.phase, self.operation.shutdown.reason)
            self.tree.mark(self.node, "Running")
        return True

    def _end(self, last: Node, phase: str, message: str) -> bool:
        self.node.outputs = last.outputs
        self.tree.mark(self.node, phase, message)
        return False

    def _reason_to_stop(self, last: Node, on_exit: bool) -> str:
        """The message of the Retry node if there is no other attempt; empty where there is one."""
        if not self.operation.shutdown.may_run(on_exit):
            return self.operation.shutdown.reason
        expression = self.strategy.get("expression")
        if last.phase not in RETRIED_PHASES.get(self._policy, ()):
            return f"Node not set to be retried after status: {last.phase}"
        limit = self.strategy.get("limit")
        if limit is not None and len(self.tree.attempts(self.node)) > whole_number(limit, "retryStrategy.limit"):
            return "No more retries left"
        if expression:
            try:
                wanted = evaluate_bool(expression, {**self.operation.global_outputs.values, **self.values()})
            except ExpressionError as error:
                return str(error)
            if not wanted:
                return "retryStrategy.expression evaluated to false"
        return ""

    def _pause(self, last: Node) -> float | None:
        """The seconds to wait before the next attempt; None where that would begin after maxDuration."""
        backoff = self.strategy.get("backoff")
        if not backoff or self.strategy.get("limit") is None:
            return 0.0  # as Argo does: without a limit it ignores the backoff
        pause = seconds(backoff.get("duration") or 0)
        attempts = self.tree.attempts(self.node)
        if backoff.get("factor") is not None:
            factor = whole_number(backoff["factor"], "retryStrategy.backoff.factor")
            pause *= golang.power(factor, len(attempts) - 1)
        if backoff.get("cap"):
            pause = min(pause, seconds(backoff["cap"]))
        limit = seconds(backoff["maxDuration"]) if backoff.get("maxDuration") else float("inf")
        return pause if moment(last.finished) + pause <= moment(attempts[0].started) + limit else None
