"""The nodes of a parsed expression, and how they are written as text."""

from dataclasses import dataclass
from typing import Any

from slipway_workflows.engine.language.exprlang.lexer import quoted


class Expression:
    """The base class of all nodes of an expression."""


@dataclass(frozen=True)
class Literal(Expression):
    """A literal: nil, a boolean, an integer, a float or a string."""

    value: Any


@dataclass(frozen=True)
class Name(Expression):
    """A variable of the environment or of `let`."""

    name: str


@dataclass(frozen=True)
class Pointer(Expression):
    """`#`, `#acc` or `#index` inside of a predicate; `name` is without the `#`."""

    name: str


@dataclass(frozen=True)
class Unary(Expression):
    """The operator `!`, `-` or `+` before an operand."""

    operator: str
    operand: Expression


@dataclass(frozen=True)
class Binary(Expression):
    """An operator between two operands. `negated`: with `not` before the operator, as in `not in`."""

    operator: str
    left: Expression
    right: Expression
    negated: bool = False


@dataclass(frozen=True)
class Conditional(Expression):
    """A conditional, `condition ? yes : no`."""

    condition: Expression
    yes: Expression
    no: Expression


@dataclass(frozen=True)
class Member(Expression):
    """A member, `of.key` or `of[key]`. `optional`: written with `?.`, so that it is nil where `of` is nil."""

    of: Expression
    key: Expression
    optional: bool = False


@dataclass(frozen=True)
class Slice(Expression):
    """A part of a list or string, `of[start:end]`."""

    of: Expression
    start: Expression | None
    end: Expression | None


@dataclass(frozen=True)
class Call(Expression):
    """The call of a function, or of a method if `function` is a Member. The second argument may be a Predicate."""

    function: Expression
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Predicate(Expression):
    """An argument that a builtin function evaluates for each item of a list, which is `#` in it."""

    body: Expression


@dataclass(frozen=True)
class Array(Expression):
    """A list literal such as `[a, b]`."""

    items: tuple[Expression, ...]


@dataclass(frozen=True)
class Map(Expression):
    """A map literal, `{key: value}`."""

    pairs: tuple[tuple[Expression, Expression], ...]


@dataclass(frozen=True)
class Let(Expression):
    """A declaration, `let name = value; body`."""

    name: str
    value: Expression
    body: Expression


def unparse(node: Expression) -> str:  # noqa: PLR0912 - a case for each kind of node
    """The node as text, with parentheses around every operation; parsing it gives the same node again."""
    match node:
        case Literal(value):
            return (
                {None: "nil", True: "true", False: "false"}[value]
                if value is None or isinstance(value, bool)
                else (quoted(value) if isinstance(value, str) else repr(value))
            )
        case Name(name):
            return name
        case Pointer(name):
            return f"#{name}"
        case Unary(operator, operand):
            return f"({operator} {unparse(operand)})"
        case Binary(operator, left, right, negated):
            return f"({unparse(left)} {'not ' if negated else ''}{operator} {unparse(right)})"
        case Conditional(condition, yes, no):
            return f"({unparse(condition)} ? {unparse(yes)} : {unparse(no)})"
        case Member(of, key, optional):
            return f"{unparse(of)}{'?.' if optional else ''}[{unparse(key)}]"
        case Slice(of, start, end):
            return f"{unparse(of)}[{unparse(start) if start else ''}:{unparse(end) if end else ''}]"
        case Call(function, arguments):
            return f"{_callee(function)}({', '.join(unparse(argument) for argument in arguments)})"
        case Predicate(body):
            return "{" + unparse(body) + "}"
        case Array(items):
            return "[" + ", ".join(unparse(item) for item in items) + "]"
        case Map(pairs):
            return "{" + ", ".join(f"{unparse(key)}: {unparse(value)}" for key, value in pairs) + "}"
        case Let(name, value, body):
            return f"(let {name} = {unparse(value)}; {unparse(body)})"
    raise TypeError(type(node))


def _callee(function: Expression) -> str:
    """The text of a call before its parenthesis: the name of a function, or an object, a dot and its method."""
    if isinstance(function, Member) and isinstance(function.key, Literal):
        return f"{unparse(function.of)}{'?.' if function.optional else '.'}{function.key.value}"
    return unparse(function)
