"""The engine's errors, on floor 0 of it: part of the tree that `slipway_steps.domain.errors` draws.

SlipwayError
|- ExpressionError      a text of one of the languages cannot be parsed or evaluated
|- UnforeseenError      the engine itself failed; the traceback is in the run's log
`- NodeError            a node cannot be started or finished for a reason of the workflow's own
   |- FailFastError     a child is not started because another one has failed
   |- TemplateTimeout   a node has waited longer than the timeout of its template
   `- HookError         the expression of a lifecycle hook cannot be evaluated
"""

from slipway_steps.domain.errors import SlipwayError


class ExpressionError(SlipwayError):
    """A text could not be parsed or evaluated; the message names what and why."""


class UnforeseenError(SlipwayError):
    """The engine itself failed. It ends the run with phase Error, but for the exit handler; see `fault_log`."""


class NodeError(SlipwayError):
    """A node cannot be started or finished for a reason of the workflow's own; the text becomes its message."""


class FailFastError(NodeError):
    """A child is not started because another one has failed."""


class TemplateTimeout(NodeError):
    """A node has waited for a lock longer than the timeout of its template; `continueOn` does not help there."""


class HookError(NodeError):
    """The expression of a lifecycle hook cannot be evaluated."""
