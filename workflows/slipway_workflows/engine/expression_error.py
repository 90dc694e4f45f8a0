"""The one exception of the two expression languages and of tag substitution."""

from slipway_steps.domain.errors import SlipwayError


class ExpressionError(SlipwayError):
    """A text could not be parsed or evaluated; the message names what and why."""
