"""What an expression is made of, and how it is written."""

from dataclasses import dataclass
from typing import Any

from slipway_workflows.engine.language.exprlang.lexer import quoted


class Expression:
    """Any node."""


@dataclass(frozen=True)
class Literal(Expression):
    """nil, a boolean, an integer, a float or a string."""

    value: Any


@dataclass(frozen=True)
class Name(Expression):
    """A variable of the environment or of `let`."""

    name: str


@dataclass(frozen=True)
class Pointer(Expression):
    """`#`, `#acc` or `#index` inside a predicate."""

    name: str


@dataclass(frozen=True)
class Unary(Expression):
    """`!`, `-` or `+` before something."""

    operator: str
    operand: Expression


@dataclass(frozen=True)
class Binary(Expression):
    """Two operands; `negated` for `not in` and its like."""

    operator: str
    left: Expression
    right: Expression
    negated: bool = False


@dataclass(frozen=True)
class Conditional(Expression):
    """`condition ? yes : no`."""

    condition: Expression
    yes: Expression
    no: Expression


@dataclass(frozen=True)
class Member(Expression):
    """`of.key`, `of[key]`, and with `?.` where `of` may be nil."""

    of: Expression
    key: Expression
    optional: bool = False


@dataclass(frozen=True)
class Slice(Expression):
    """`of[start:end]`."""

    of: Expression
    start: Expression | None
    end: Expression | None


@dataclass(frozen=True)
class Call(Expression):
    """A function, or a method where `function` is a Member; the last argument may be a Predicate."""

    function: Expression
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Predicate(Expression):
    """A closure over `#`."""

    body: Expression


@dataclass(frozen=True)
class Array(Expression):
    """`[a, b]`."""

    items: tuple[Expression, ...]


@dataclass(frozen=True)
class Map(Expression):
    """`{key: value}`."""

    pairs: tuple[tuple[Expression, Expression], ...]


@dataclass(frozen=True)
class Let(Expression):
    """`let name = value; body`."""

    name: str
    value: Expression
    body: Expression


def unparse(node: Expression) -> str:  # noqa: PLR0912 - a case for each kind of node
    """The node as text, fully in parentheses; parsing it gives the same node."""
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
    """What stands before the parenthesis: a name, or a method after its dot."""
    if isinstance(function, Member) and isinstance(function.key, Literal):
        return f"{unparse(function.of)}{'?.' if function.optional else '.'}{function.key.value}"
    return unparse(function)
