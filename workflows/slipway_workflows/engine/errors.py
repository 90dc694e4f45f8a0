"""The errors of the engine, which continue the tree of `slipway_steps.domain.errors`.

SlipwayError
|- ExpressionError      an expression, a `when` clause or a tag cannot be parsed or evaluated
|- UnforeseenError      the engine itself failed; the traceback is in the run's log
`- NodeError            a node cannot be started or finished, because of what the workflow says
   |- FailFastError     a node is not started, because another node of the same template has failed
   |- TemplateTimeout   a node has waited for a lock longer than the timeout of its template
   `- HookError         the expression of a lifecycle hook cannot be evaluated
"""

from slipway_steps.domain.errors import SlipwayError


class ExpressionError(SlipwayError):
    """An expression, a `when` clause or a tag cannot be parsed or evaluated; the message says which, and why."""


class UnforeseenError(SlipwayError):
    """The engine itself failed. The run ends with phase Error, after its exit handler; see `fault_log`."""


class NodeError(SlipwayError):
    """A node cannot be started or finished, because of what the workflow says; the text becomes the node's message."""


class FailFastError(NodeError):
    """A node is not started, because another node of the same template has failed and the template has `failFast`."""


class TemplateTimeout(NodeError):
    """A node has waited for a lock longer than the timeout of its template. As in Argo, `continueOn` has no effect."""


class HookError(NodeError):
    """The expression of a lifecycle hook cannot be evaluated."""
