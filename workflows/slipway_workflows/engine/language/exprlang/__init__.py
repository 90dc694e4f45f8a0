"""expr-lang: the language of `{{=...}}`, `depends`, hooks, `valueFrom.expression` and retry expressions.

    program    = { "let" name "=" expression ";" } expression
    expression = binary [ "?" expression ":" expression | "?:" expression ]
    binary     = unary { operator unary }          by precedence, from weak to strong:
                 "|" (pipe into a call)
                 "||" "or"
                 "&&" "and"
                 "==" "!=" "<" "<=" ">" ">=" ["not"] ("in" | "matches" | "contains" | "startsWith" | "endsWith")
                 ".."
                 "+" "-"
                 [prefix "not" "!"]
                 "*" "/" "%"
                 [prefix "-" "+"]
                 "**" "^" (to the right)
                 "??"
    unary      = [ "not" | "!" | "-" | "+" ] postfix
    postfix    = primary { "." name | "?." name | "[" expression "]" | "?.[" expression "]"
                         | "[" [expression] ":" [expression] "]" | "(" arguments ")" }
    primary    = number | string | "true" | "false" | "nil" | name | "#" [name] | "." name (in a predicate)
               | "(" program ")" | "[" [expression { "," expression }] "]" | "{" [key ":" expression { "," ... }] "}"
    predicate  = "{" program "}" | expression        as the last argument of filter, map, all, any, ...

Source: expr 1.17's parser and checker, which Argo 4.1 uses; names and literal types are checked before anything is
evaluated, as there.
"""

from collections.abc import Mapping
from typing import Any

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language.exprlang.check import check, missing
from slipway_workflows.engine.language.exprlang.evaluator import Evaluator
from slipway_workflows.engine.language.exprlang.nodes import Expression, unparse
from slipway_workflows.engine.language.exprlang.parser import parse

__all__ = ["Expression", "evaluate", "evaluate_bool", "missing", "parse", "run", "unparse"]


def run(expression: Expression, env: Mapping[str, Any]) -> Any:
    """The value of a parsed expression over nested maps. Raises ExpressionError."""
    try:
        check(expression, env)
        return Evaluator(env).value(expression)
    except RecursionError as error:
        raise ExpressionError("expression is nested too deeply") from error


def evaluate(text: str, env: Mapping[str, Any]) -> Any:
    """The value of an expression over nested maps. Raises ExpressionError."""
    return run(parse(text), env)


def evaluate_bool(text: str, env: Mapping[str, Any]) -> bool:
    """The same, where only a boolean makes sense. Raises ExpressionError."""
    value = evaluate(text, env)
    if not isinstance(value, bool):
        raise ExpressionError(f"expression {text!r} gives {value!r}, not true or false")
    return value
