"""expr-lang: the language of `{{=...}}`, `depends`, hooks, `valueFrom.expression` and retry expressions.

    expression = ternary ; ternary = coalesce [ "?" expression ":" expression ]
    coalesce = or { "??" or } ; or = and { ("||" | "or") and } ; and = not { ("&&" | "and") not }
    not = [ "!" | "not" ] comparison
    comparison = sum { ("==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in" | "matches" | "contains"
                        | "startsWith" | "endsWith") sum }
    sum = product { ("+" | "-") product } ; product = power { ("*" | "/" | "%") power } ; power = unary [ "**" power ]
    unary = [ "-" | "+" ] postfix
    postfix = primary { "." name | "?." name | "[" expression "]" | "?.[" expression "]" | "(" arguments ")" }
    primary = number | string | "true" | "false" | "nil" | name | "(" expression ")" | "[" list "]" | "{" map "}"

Only what Argo's manifests commonly use: closures, pipes, ranges and slices are refused by name.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from slipway_workflows.engine.expression_error import ExpressionError
from slipway_workflows.engine.exprlang_functions import FUNCTIONS, text_of

TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>0[xX][0-9a-fA-F_]+|(?:[0-9][0-9_]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+)
    | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
    | (?P<name>[^\W\d]\w*)
    | (?P<op>\?\?|\?\.|\|\||&&|==|!=|<=|>=|\*\*|\.\.|[-+*/%^<>!()\[\]{},.?:|\#;=])
    )""",
    re.VERBOSE,
)
WORDS = {"or": "||", "and": "&&", "not": "!"}
COMPARISONS = ("==", "!=", "<=", ">=", "<", ">", "in", "matches", "contains", "startsWith", "endsWith")
DEEPEST = 60


class Missing(ExpressionError):
    """A name or member that is not there."""


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at, text = [], 0, text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f"expression {text!r}: unexpected {text[at : at + 10]!r}")
        kind, value = match.lastgroup or "", match.group(match.lastgroup or 0)
        if kind == "name" and value in WORDS:
            kind, value = "op", WORDS[value]
        found.append((kind, value))
        at = match.end()
    return [*found, ("end", "")]


def _unquoted(text: str) -> str:
    if text[0] == "`":
        return text[1:-1]
    body = text[1:-1].replace('"', '\\"') if text[0] == "'" else text[1:-1]
    body = body.replace("\\'", "'").replace('\\\\"', '\\"')
    try:
        return str(json.loads(f'"{body}"', strict=False))
    except ValueError as error:
        raise ExpressionError(f"string {text} has an unknown escape") from error


class _Evaluator:
    def __init__(self, text: str, environment: Mapping[str, Any]) -> None:
        self.text, self.environment = text, environment
        self.tokens = _tokens(text)
        self.at = self.depth = 0

    def peek(self, *values: str) -> bool:
        kind, value = self.tokens[self.at]
        return value in values and kind in ("op", "name")

    def take(self, *values: str) -> str | None:
        if self.peek(*values):
            self.at += 1
            return self.tokens[self.at - 1][1]
        return None

    def expect(self, value: str) -> None:
        if not self.take(value):
            raise ExpressionError(f"expression {self.text!r}: {value!r} expected, found {self.tokens[self.at][1]!r}")

    def ternary(self, live: bool) -> Any:
        self.depth += 1
        if self.depth > DEEPEST:
            raise ExpressionError("expression is nested too deeply")
        condition = self.coalesce(live)
        if self.take("?"):
            if live and not isinstance(condition, bool):
                raise ExpressionError(f"expression {self.text!r}: {condition!r} is no condition")
            yes = self.ternary(live and condition is True)
            self.expect(":")
            no = self.ternary(live and condition is False)
            condition = yes if condition is True else no
        self.depth -= 1
        return condition

    def coalesce(self, live: bool) -> Any:
        left = self.either(live)
        while self.take("??"):
            right = self.either(live and left is None)
            left = right if left is None else left
        return left

    def either(self, live: bool) -> Any:
        left = self.both(live)
        while self.take("||"):
            right = self.both(live and left is not True)
            left = self._logic(left, right, True) if live else None
        return left

    def both(self, live: bool) -> Any:
        left = self.negation(live)
        while self.take("&&"):
            right = self.negation(live and left is not False)
            left = self._logic(left, right, False) if live else None
        return left

    def _logic(self, left: Any, right: Any, decided: bool) -> bool:
        for value in (left, right):
            if not isinstance(value, bool):
                raise ExpressionError(f"expression {self.text!r}: {value!r} is no boolean")
            if value is decided:
                return decided
        return not decided

    def negation(self, live: bool) -> Any:
        if self.take("!"):
            value = self.negation(live)
            if live and not isinstance(value, bool):
                raise ExpressionError(f"expression {self.text!r}: {value!r} is no boolean")
            return not value
        return self.comparison(live)

    def comparison(self, live: bool) -> Any:
        left = self.sum(live)
        while True:
            inverted = self.peek("!") and self.tokens[self.at + 1][1] == "in" and bool(self.take("!"))
            operator = self.take(*COMPARISONS)
            if not operator:
                return left
            right = self.sum(live)
            if live:
                left = self._compare(operator, left, right) is not inverted

    def _compare(self, operator: str, left: Any, right: Any) -> bool:
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (left, right))
        if operator in ("==", "!="):
            same = left == right and (numbers or type(left) is type(right))
            return same is (operator == "==")
        if operator == "in":
            if isinstance(right, list | Mapping):
                return left in right
        elif numbers or (isinstance(left, str) and isinstance(right, str)):
            if operator in ("<", "<=", ">", ">="):
                return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator])
            if not numbers:
                return self._texts(operator, left, right)
        raise ExpressionError(f"expression {self.text!r}: {left!r} {operator} {right!r} cannot be compared")

    def _texts(self, operator: str, left: str, right: str) -> bool:
        if operator == "matches":
            try:
                return re.search(right, left) is not None
            except re.error as error:
                raise ExpressionError(f"{right!r} is no regular expression") from error
        return {"contains": right in left, "startsWith": left.startswith(right), "endsWith": left.endswith(right)}[
            operator
        ]

    def sum(self, live: bool) -> Any:
        left = self.product(live)
        while operator := self.take("+", "-"):
            right = self.product(live)
            left = self._calculate(operator, left, right) if live else None
        return left

    def product(self, live: bool) -> Any:
        left = self.power(live)
        while operator := self.take("*", "/", "%"):
            right = self.power(live)
            left = self._calculate(operator, left, right) if live else None
        return left

    def power(self, live: bool) -> Any:
        left = self.unary(live)
        if self.take("**", "^"):
            right = self.power(live)
            return self._calculate("**", left, right) if live else None
        return left

    def _calculate(self, operator: str, left: Any, right: Any) -> Any:
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return left + right
        if any(isinstance(v, bool) or not isinstance(v, int | float) for v in (left, right)):
            raise ExpressionError(f"expression {self.text!r}: {left!r} {operator} {right!r} is no calculation")
        try:
            if operator == "%":
                return int(left) - int(right) * int(int(left) / int(right))
            if operator == "**":
                return float(left) ** float(right)
            return (
                {"+": left + right, "-": left - right, "*": left * right}.get(operator)
                if operator != "/"
                else left / right
            )
        except (ZeroDivisionError, OverflowError, TypeError) as error:
            raise ExpressionError(f"expression {self.text!r}: {left!r} {operator} {right!r}: {error}") from error

    def unary(self, live: bool) -> Any:
        if operator := self.take("-", "+"):
            value = self.unary(live)
            if live and (isinstance(value, bool) or not isinstance(value, int | float)):
                raise ExpressionError(f"expression {self.text!r}: {value!r} is no number")
            return value if operator == "+" or not live else -value
        return self.postfix(live)

    def postfix(self, live: bool) -> Any:
        kind, name = self.tokens[self.at]
        if kind == "name" and self.tokens[self.at + 1] == ("op", "(") and name in FUNCTIONS:
            self.at += 2
            value = self._call(name, self._list(")", live), live)
        else:
            value = self.primary(live)
        while operator := self.take(".", "?.", "["):
            optional = operator == "?."
            if operator == "[" or self.take("["):
                key = self.ternary(live)
                self.expect("]")
            else:
                kind, key = self.tokens[self.at]
                if kind != "name":
                    raise ExpressionError(f"expression {self.text!r}: a name is expected after {operator!r}")
                self.at += 1
            if self.peek("("):
                raise ExpressionError(f"expression {self.text!r}: function {key!r} is not known here")
            if not live:
                continue
            if value is None and optional:
                value = None
                continue
            value = self._member(value, key, optional)
        return value

    def _member(self, value: Any, key: Any, optional: bool) -> Any:
        if isinstance(value, Mapping):
            return value.get(key)
        if isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value):
            return value[key]
        raise Missing(f"expression {self.text!r}: {text_of(value)[:40]} has no member {key!r}")

    def _list(self, end: str, live: bool) -> list[Any]:
        found = []
        while not self.take(end):
            found.append(self.ternary(live))
            if not self.peek(end):
                self.expect(",")
        return found

    def _call(self, name: str, arguments: list[Any], live: bool) -> Any:
        if not live:
            return None
        try:
            return FUNCTIONS[name](*arguments)
        except ExpressionError:
            raise
        except Exception as error:
            raise ExpressionError(f"expression {self.text!r}: {name}() failed: {error}") from error

    def primary(self, live: bool) -> Any:
        kind, value = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            plain = value.replace("_", "")
            if plain[:2].lower() == "0x":
                return int(plain, 16)
            return float(plain) if any(c in plain for c in ".eE") else int(plain)
        if kind == "string":
            return _unquoted(value)
        if kind == "name":
            if value in ("true", "false"):
                return value == "true"
            if value == "nil":
                return None
            if self.peek("("):
                raise ExpressionError(f"expression {self.text!r}: function {value!r} is not known here")
            return self.environment.get(value)
        if value == "(":
            inner = self.ternary(live)
            self.expect(")")
            return inner
        if value == "[":
            return self._list("]", live)
        if value == "{":
            return self._map(live)
        raise ExpressionError(f"expression {self.text!r}: unexpected {value!r}")

    def _map(self, live: bool) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not self.take("}"):
            kind, key = self.tokens[self.at]
            self.at += 1
            if kind not in ("name", "string", "number"):
                raise ExpressionError(f"expression {self.text!r}: a key is expected, found {key!r}")
            self.expect(":")
            found[_unquoted(key) if kind == "string" else key] = self.ternary(live)
            if not self.peek("}"):
                self.expect(",")
        return found


def evaluate(text: str, env: Mapping[str, Any]) -> Any:
    """The value of an expression over nested maps. Raises ExpressionError."""
    evaluator = _Evaluator(text, env)
    try:
        value = evaluator.ternary(True)
    except RecursionError as error:
        raise ExpressionError(f"expression {text[:60]!r} is nested too deeply") from error
    if evaluator.tokens[evaluator.at][0] != "end":
        raise ExpressionError(f"expression {text!r}: unexpected {evaluator.tokens[evaluator.at][1]!r}")
    return value


def evaluate_bool(text: str, env: Mapping[str, Any]) -> bool:
    """The same, where only a boolean makes sense. Raises ExpressionError."""
    value = evaluate(text, env)
    if not isinstance(value, bool):
        raise ExpressionError(f"expression {text!r} gives {value!r}, not true or false")
    return value
