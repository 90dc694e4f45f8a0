"""Checks an expression before it is evaluated, as expr's compiler does: for unknown names, and types that cannot match.

A type is known for literals, results of operators and variables; it is unknown (`any` in Go), and here None, for what
lies inside of a variable.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language.exprlang.builtins import FUNCTIONS, RESULT_TYPES
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
from slipway_workflows.engine.language.exprlang.values import type_name

NUMBERS = ("int", "float")
BOOLEAN_OPERATORS = (
    "&&",
    "||",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "in",
    "matches",
    "contains",
    "startsWith",
    "endsWith",
)


def check_types(node: Expression, env: Mapping[str, Any]) -> str | None:
    """The type of an expression, or None where it is unknown. Raises ExpressionError for what expr would refuse."""
    return _Checker(env).type_of(node)


class _Checker:
    def __init__(self, env: Mapping[str, Any]) -> None:
        self.env = env
        self.local: dict[str, str | None] = {}

    def type_of(self, node: Expression) -> str | None:  # noqa: PLR0912 - a case for each kind of node
        match node:
            case Literal(value):
                return type_name(value)
            case Name(name):
                return self.name(name)
            case Unary(operator, operand):
                found = self.type_of(operand)
                wanted = ("bool",) if operator == "!" else NUMBERS
                if found is not None and found not in wanted:
                    raise ExpressionError(f"{operator} cannot be used with a {found}")
                return found
            case Binary(operator, left, right, _):
                return self.binary(operator, self.type_of(left), self.type_of(right))
            case Conditional(condition, yes, no):
                found = self.type_of(condition)
                if found not in (None, "bool"):
                    raise ExpressionError(f"a condition has to be a boolean, found a {found}")
                kinds = {self.type_of(yes), self.type_of(no)}
                return kinds.pop() if len(kinds) == 1 else None
            case Member(of, key, _):
                found = self.type_of(of)
                kind_of_key = self.type_of(key)
                if found in ("string", "int", "float", "bool") or (found == "array" and kind_of_key == "string"):
                    raise ExpressionError(f"a {found} has no members")
                return None
            case Let(name, value, body):
                self.declared(name)
                before = dict(self.local)
                self.local[name] = self.type_of(value)
                found = self.type_of(body)
                self.local = before
                return found
            case Call(function, arguments):
                return self.call(function, arguments)
            case Predicate(body):
                self.type_of(body)
                return None
            case Array(items):
                for item in items:
                    self.type_of(item)
                return "array"
            case Map(pairs):
                for key, value in pairs:
                    self.type_of(key)
                    self.type_of(value)
                return "map"
            case Slice(of, start, end):
                for inner in (start, end):
                    if inner is not None and self.type_of(inner) not in (None, "int"):
                        raise ExpressionError("a slice is bounded by integers")
                return self.type_of(of)
        return None

    def declared(self, name: str) -> None:
        """Raise ExpressionError for a `let` whose name exists already."""
        taken = (("", self.env), ("builtin ", (*FUNCTIONS, *PREDICATES, "sprig")), ("variable ", self.local))
        for kind, names in taken:
            if name in names:
                raise ExpressionError(f"cannot redeclare {kind}{name}", "choose another name for the let")

    def name(self, name: str) -> str | None:
        if name in self.local:
            return self.local[name]
        if name in ("$env", "sprig"):
            return None
        if name not in self.env:
            raise ExpressionError(f"unknown name {name}")
        return type_name(self.env[name]) if isinstance(self.env[name], str) else None

    def binary(self, operator: str, left: str | None, right: str | None) -> str | None:  # noqa: PLR0912 - as many rules
        known = left is not None and right is not None
        if operator == "??":
            return None
        if operator in ("&&", "||"):
            for side in (left, right):
                if side not in (None, "bool"):
                    raise ExpressionError(f"{operator} cannot be used with a {side}")
        elif known and operator in ("==", "!="):
            if left != right and "nil" not in (left, right) and not (left in NUMBERS and right in NUMBERS):
                raise ExpressionError(f"{operator} cannot compare a {left} with a {right}")
        elif operator in ("matches", "contains", "startsWith", "endsWith"):
            for side in (left, right):
                if side not in (None, "string"):
                    raise ExpressionError(f"{operator} needs strings, found a {side}")
        elif known and operator in ("<", "<=", ">", ">=", "+", "-", "*", "/", "%", "**"):
            alike = left == right and (left == "string") and operator in ("<", "<=", ">", ">=", "+")
            times = "time.Time" in (left, right) or "time.Duration" in (left, right)
            if not alike and not times and not (left in NUMBERS and right in NUMBERS):
                raise ExpressionError(f"{operator} cannot be used with a {left} and a {right}")
        if operator in BOOLEAN_OPERATORS:
            return "bool"
        if operator in ("/", "**"):
            return "float"
        if operator == "..":
            return "array"
        return left if left == right else None

    def call(self, function: Expression, arguments: tuple[Expression, ...]) -> str | None:
        for argument in arguments:
            self.type_of(argument)
        if isinstance(function, Member):
            if function.of == Name("sprig"):
                if isinstance(function.key, Literal) and function.key.value not in SPRIG:
                    raise ExpressionError(f"function sprig.{function.key.value} is not known here")
                return None
            self.type_of(function.of)
            return None
        name = function.name if isinstance(function, Name) else ""
        if name not in FUNCTIONS and name not in PREDICATES:
            raise ExpressionError(f"unknown name {name}")
        return RESULT_TYPES.get(name)


def missing(node: Expression, env: Mapping[str, Any]) -> list[str]:
    """The names that an expression needs and the environment does not have, such as `steps.a.status`, each once.

    A name is not needed where `??` or `?.` stands after it. The names of a `let` count as missing, because Argo looks
    up every name in the environment only.
    """
    found = []
    for chain in _chains(node):
        place: Any = env
        for depth, part in enumerate(chain):
            if not isinstance(place, Mapping):
                break
            if part not in place:
                found.append(".".join(chain[: depth + 1]))
                break
            place = place[part]
    return list(dict.fromkeys(found))


def _chains(node: Expression) -> Iterator[tuple[str, ...]]:  # noqa: PLR0912 - a case for each kind of node
    """The dotted names that an expression needs, each as the tuple of its parts."""
    match node:
        case Name(name):
            if name not in ("$env", "sprig"):
                yield (name,)
        case Member():
            chain = _chain(node)
            if chain is None:
                yield from _chains(node.of)
                yield from _chains(node.key)
            elif chain and chain[0] != "sprig":
                yield chain
        case Call(function, arguments):
            if isinstance(function, Member):
                yield from _chains(function.of)
            elif isinstance(function, Name) and function.name not in FUNCTIONS and function.name not in PREDICATES:
                yield (function.name,)
            for argument in arguments:
                yield from _chains(argument)
        case Binary("??", left, right, _):
            yield from (chain[:1] for chain in _chains(left))
            yield from _chains(right)
        case Let(_, value, body):
            yield from _chains(value)
            yield from _chains(body)
        case Literal() | Pointer():
            return
        case _:
            for inner in _inner(node):
                yield from _chains(inner)


def _chain(node: Expression) -> tuple[str, ...] | None:
    """The parts of a dotted name such as `a.b['c']`, up to the first `?.`; None where a part is not a literal."""
    if isinstance(node, Name):
        return (node.name,)
    if not isinstance(node, Member):
        return None
    above = _chain(node.of)
    if above is None or not isinstance(node.key, Literal) or not isinstance(node.key.value, str):
        return None
    if node.optional or _has_optional(node.of):
        return above
    return (*above, node.key.value)


def _has_optional(node: Expression) -> bool:
    return isinstance(node, Member) and (node.optional or _has_optional(node.of))


def _inner(node: Expression) -> Iterator[Expression]:
    """The expressions directly inside of an expression."""
    match node:
        case Unary(_, operand):
            yield operand
        case Binary(_, left, right, _):
            yield from (left, right)
        case Conditional(condition, yes, no):
            yield from (condition, yes, no)
        case Slice(of, start, end):
            yield from (part for part in (of, start, end) if part is not None)
        case Predicate(body):
            yield body
        case Array(items):
            yield from items
        case Map(pairs):
            for pair in pairs:
                yield from pair
