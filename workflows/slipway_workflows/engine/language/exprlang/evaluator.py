"""Evaluates a parsed expression: the tree of nodes becomes a value."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language import golang, regular
from slipway_workflows.engine.language.exprlang.builtins import FUNCTIONS, over_items
from slipway_workflows.engine.language.exprlang.nodes import (
    Array,
    Binary,
    Call,
    Conditional,
    Expression,
    Let,
    Literal,
    Map,
    Member,
    Name,
    Pointer,
    Predicate,
    Slice,
    Unary,
)
from slipway_workflows.engine.language.exprlang.parser import PREDICATES
from slipway_workflows.engine.language.exprlang.sprig import SPRIG
from slipway_workflows.engine.language.exprlang.times import Duration, duration_between, method
from slipway_workflows.engine.language.exprlang.values import equal, is_number, type_name
from slipway_workflows.engine.language.golang import text_of

LARGEST_RANGE = 1_000_000
"""The most items that a range `a..b` may have; expr's memory budget refuses more, too."""


class Evaluator:
    """Evaluates one expression. `env`: its variables."""

    def __init__(self, env: Mapping[str, Any]) -> None:
        self.env = env
        self.local: dict[str, Any] = {}
        """The values of the names that a `let` declares."""
        self.pointers: list[dict[str, Any]] = []
        """For each predicate around the node, the innermost last: the values of `#` (as ""), `#acc` and `#index`."""

    def value(self, node: Expression) -> Any:  # noqa: PLR0912 - a case for each kind of node
        """The value of a node. Raises ExpressionError."""
        match node:
            case Literal(value):
                return value
            case Name(name):
                return self.env if name == "$env" else self.local.get(name, self.env.get(name))
            case Pointer(name):
                return self.pointers[-1].get(name)
            case Unary(operator, operand):
                return _unary(operator, self.value(operand))
            case Binary():
                return self._binary(node)
            case Conditional(condition, yes, no):
                return self.value(yes if _boolean(self.value(condition), "?") else no)
            case Member():
                return self._member(node)
            case Slice(of, start, end):
                return self._slice(self.value(of), start, end)
            case Call(function, arguments):
                return self._call(function, arguments)
            case Array(items):
                return [self.value(item) for item in items]
            case Map(pairs):
                return {text_of(self.value(key)): self.value(value) for key, value in pairs}
            case Let(name, value, body):
                before = dict(self.local)
                self.local[name] = self.value(value)
                try:
                    return self.value(body)
                finally:
                    self.local = before
        raise ExpressionError("a predicate stands where a value is expected")

    def _binary(self, node: Binary) -> Any:
        operator = node.operator
        if operator == "??":
            left = self.value(node.left)
            return self.value(node.right) if left is None else left
        if operator in ("&&", "||"):
            left = _boolean(self.value(node.left), operator)
            return left if left is (operator == "||") else _boolean(self.value(node.right), operator)
        left, right = self.value(node.left), self.value(node.right)
        if operator in ("==", "!="):
            return equal(left, right) is (operator == "==")
        if operator == "in":
            return _contained(left, right) is not node.negated
        if operator in TEXTS:
            if left is None and operator != "matches":
                raise ExpressionError(f"nil cannot be used with {operator}")
            if not isinstance(left, str) or not isinstance(right, str):
                raise ExpressionError(f"{text_of(left)} {operator} {text_of(right)}: both have to be strings")
            return TEXTS[operator](left, right) is not node.negated
        return _calculate(operator, left, right)

    def _member(self, node: Member) -> Any:
        of = self.value(node.of)
        if of is None and (node.optional or self._short_circuits(node.of)):
            return None
        key = self.value(node.key)
        if isinstance(of, Mapping):
            return of.get(key)
        if isinstance(of, list) and isinstance(key, int) and not isinstance(key, bool):
            if -len(of) <= key < len(of):
                return of[key]
            raise ExpressionError(f"index out of range: {key} (the list has {len(of)} items)")
        raise ExpressionError(f"cannot fetch {text_of(key)} from {text_of(of)[:60]}")

    def _short_circuits(self, node: Expression) -> bool:
        """Whether a `?.` in this chain of members found nil on its left: then all members after it are nil too."""
        return isinstance(node, Member) and (
            (node.optional and self.value(node.of) is None) or self._short_circuits(node.of)
        )

    def _slice(self, of: Any, start: Expression | None, end: Expression | None) -> Any:
        if not isinstance(of, list | str):
            raise ExpressionError(f"cannot slice {text_of(of)}")
        bounds = [None if bound is None else self.value(bound) for bound in (start, end)]
        if any(bound is not None and not isinstance(bound, int) for bound in bounds):
            raise ExpressionError("a slice is bounded by integers")
        return of[bounds[0] : bounds[1]]

    def _call(self, function: Expression, arguments: tuple[Expression, ...]) -> Any:
        if isinstance(function, Member):
            return self._method(function, arguments)
        name = function.name if isinstance(function, Name) else ""
        if name in PREDICATES and len(arguments) > 1 and isinstance(arguments[1], Predicate):
            return self._over_items(name, arguments)
        values = [self.value(argument) for argument in arguments]
        if name not in FUNCTIONS:
            raise ExpressionError(f"unknown name {name}")
        return _called(name, FUNCTIONS[name], values)

    def _method(self, function: Member, arguments: tuple[Expression, ...]) -> Any:
        name = str(self.value(function.key))
        values = [self.value(argument) for argument in arguments]
        if function.of == Name("sprig"):
            if name not in SPRIG:
                raise ExpressionError(f"function sprig.{name} is not known here")
            return _called(f"sprig.{name}", SPRIG[name], values)
        of = self.value(function.of)
        if isinstance(of, datetime | Duration):
            return method(of, name, values)
        raise ExpressionError(f"{text_of(of)[:60]} has no method {name}")

    def _over_items(self, name: str, arguments: tuple[Expression, ...]) -> Any:
        """The result of a builtin function with a predicate over the items of a list or map."""
        items, predicate = self.value(arguments[0]), arguments[1]
        if isinstance(items, Mapping) and name in ("all", "any", "none", "one", "count", "filter", "find", "map"):
            items = [items[key] for key in sorted(items)]
        if not isinstance(items, list):
            raise ExpressionError(f"{name}() needs a list, found {type_name(items)}")
        rest = [self.value(argument) for argument in arguments[2:]]
        assert isinstance(predicate, Predicate)  # noqa: S101 - the caller has checked it

        def body(item: Any, **more: Any) -> Any:
            self.pointers.append({"": item, **more})
            try:
                return self.value(predicate.body)
            finally:
                self.pointers.pop()

        return over_items(name, items, body, rest)


def _called(name: str, function: Callable[..., Any], values: list[Any]) -> Any:
    try:
        return function(*values)
    except ExpressionError:
        raise
    except Exception as error:
        raise ExpressionError(f"{name}() failed: {error}") from error


def _boolean(value: Any, operator: str) -> bool:
    if not isinstance(value, bool):
        raise ExpressionError(f"{text_of(value)[:60]} cannot be used with {operator}: it is not a boolean")
    return value


def _unary(operator: str, value: Any) -> Any:
    if operator == "!":
        return not _boolean(value, "!")
    if not is_number(value):
        raise ExpressionError(f"{text_of(value)[:60]} cannot be used with {operator}: it is not a number")
    return (golang.wrapped(-value) if isinstance(value, int) else -value) if operator == "-" else value


def _contained(left: Any, right: Any) -> bool:
    if right is None:
        return False
    if isinstance(right, Mapping):
        return left in right
    if isinstance(right, list):
        return any(equal(left, item) for item in right)
    raise ExpressionError(f"in needs a list or a map, found {type_name(right)}")


TEXTS: dict[str, Callable[[str, str], bool]] = {
    "matches": lambda left, right: regular.found(right, left),
    "contains": lambda left, right: right in left,
    "startsWith": lambda left, right: left.startswith(right),
    "endsWith": lambda left, right: left.endswith(right),
}
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
}
ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda left, right: bool(left < right),
    "<=": lambda left, right: bool(left <= right),
    ">": lambda left, right: bool(left > right),
    ">=": lambda left, right: bool(left >= right),
}


def _calculate(operator: str, left: Any, right: Any) -> Any:
    numbers = is_number(left) and is_number(right)
    if operator in ORDER and (numbers or (type(left) is type(right) and isinstance(left, str | datetime | Duration))):
        return ORDER[operator](left, right)
    if operator == "+" and isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, datetime | Duration) or isinstance(right, datetime | Duration):
        return _times(operator, left, right)
    if not numbers:
        raise ExpressionError(f"{type_name(left)} {operator} {type_name(right)} cannot be calculated")
    try:
        return _numbers(operator, left, right)
    except (ZeroDivisionError, OverflowError, TypeError) as error:
        raise ExpressionError(f"{left} {operator} {right}: {error}") from error


def _numbers(operator: str, left: Any, right: Any) -> Any:
    if operator in ARITHMETIC:
        found = ARITHMETIC[operator](left, right)
        return golang.wrapped(found) if isinstance(found, int) else found
    if operator == "/":
        return golang.quotient(float(left), float(right))
    if operator == "**":
        return golang.power(float(left), float(right))
    if not isinstance(left, int) or not isinstance(right, int):
        raise ExpressionError(f"{left} {operator} {right}: both have to be integers")
    if operator == "%":
        if right == 0:
            raise ExpressionError(f"{left} % {right}: integer divide by zero")
        return abs(left) % abs(right) * (-1 if left < 0 else 1)  # as in Go, with the sign of the dividend
    if right - left >= LARGEST_RANGE:
        raise ExpressionError(f"{left}..{right} is too long")
    return list(range(left, right + 1))


def _times(operator: str, left: Any, right: Any) -> Any:
    if isinstance(left, datetime) and isinstance(right, Duration) and operator in "+-":
        return left + right.delta if operator == "+" else left - right.delta
    if isinstance(left, Duration) and isinstance(right, datetime) and operator == "+":
        return right + left.delta
    if isinstance(left, datetime) and isinstance(right, datetime) and operator == "-":
        return duration_between(left, right)
    if isinstance(left, Duration) and isinstance(right, Duration) and operator in "+-":
        sign = 1 if operator == "+" else -1
        return Duration(left.nanoseconds + sign * right.nanoseconds)
    if operator == "*" and isinstance(left, Duration) and is_number(right):
        return Duration(round(left.nanoseconds * right))
    if operator == "*" and isinstance(right, Duration) and is_number(left):
        return Duration(round(right.nanoseconds * left))
    raise ExpressionError(f"{type_name(left)} {operator} {type_name(right)} cannot be calculated")
