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

Source: the parser and checker of expr 1.17, which Argo 4.1 uses. As there, names and the types of literals are checked
before anything is evaluated.
"""

from collections.abc import Mapping
from typing import Any

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language.exprlang.checker import check_types, missing
from slipway_workflows.engine.language.exprlang.evaluator import Evaluator
from slipway_workflows.engine.language.exprlang.lexer import tokens
from slipway_workflows.engine.language.exprlang.nodes import Expression, unparse
from slipway_workflows.engine.language.exprlang.parser import parse

__all__ = ["Expression", "evaluate", "mentions", "missing", "parse", "run", "unparse"]


def run(expression: Expression, env: Mapping[str, Any]) -> Any:
    """The value of a parsed expression. `env`: its variables, as nested maps. Raises ExpressionError."""
    try:
        check_types(expression, env)
        return Evaluator(env).value(expression)
    except RecursionError as error:
        raise ExpressionError("expression is nested too deeply") from error


def evaluate(text: str, env: Mapping[str, Any]) -> Any:
    """The value of an expression. `env`: its variables, as nested maps. Raises ExpressionError."""
    return run(parse(text), env)


def mentions(text: str, name: str) -> bool:
    """Whether an expression mentions a name such as `workflow.status`, outside of its strings."""
    if name.rsplit(".", maxsplit=1)[-1] not in text:
        return False
    wanted = [token[:2] for token in tokens(name)[:-1]]
    found = [token[:2] for token in tokens(text)]
    return any(found[at : at + len(wanted)] == wanted for at in range(len(found)))
