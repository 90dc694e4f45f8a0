"""Parses tokens into a tree of nodes, by precedence climbing as expr's own parser does."""

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language.exprlang.lexer import Token, number, tokens
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

COMPARISON = 20
BINARY = {
    "|": 0,
    "||": 10,
    "&&": 15,
    **dict.fromkeys(
        ("==", "!=", "<", "<=", ">", ">=", "in", "matches", "contains", "startsWith", "endsWith"), COMPARISON
    ),
    "..": 25,
    "+": 30,
    "-": 30,
    "*": 60,
    "/": 60,
    "%": 60,
    "**": 100,
    "^": 100,
    "??": 500,
}
"""The precedence of each binary operator; a higher one binds more strongly (as in expr's parser/operator)."""
UNARY = {"not": 50, "!": 50, "-": 90, "+": 90}
TO_THE_RIGHT = {"**", "^"}
ORDERING = {"<", "<=", ">", ">="}
NEGATABLE = {"in", "matches", "contains", "startsWith", "endsWith"}
PREDICATES = {
    "all": 2, "none": 2, "any": 2, "one": 2, "filter": 2, "map": 2, "count": 2, "sum": 2, "find": 2, "findIndex": 2,
    "findLast": 2, "findLastIndex": 2, "groupBy": 2, "sortBy": 3, "reduce": 3,
}  # fmt: skip
"""The functions whose second argument is a predicate, with the largest number of arguments that they take."""
MAX_NESTING = 60
"""How deep expressions may be nested; deeper ones are refused, before Python's recursion limit is reached."""
CONSTANTS = {"true": True, "false": False, "nil": None}


class _Parser:
    """Parses one expression, with a method for each rule of the grammar.

    `at`: the index of the current token. `nesting`: how deep the current expression is nested. `predicates`: the number
    of predicates around it; `#` has a meaning only inside of one.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.at = self.nesting = self.predicates = 0

    @property
    def current(self) -> Token:
        return self.tokens[self.at]

    def failed(self, what: str) -> ExpressionError:
        return ExpressionError(f"expression {self.text[:200]!r}: {what}")

    def peek(self, *operators: str) -> bool:
        return self.current.kind == "op" and self.current.value in operators

    def take(self, *operators: str) -> str | None:
        if not self.peek(*operators):
            return None
        self.at += 1
        return self.tokens[self.at - 1].value

    def expect(self, operator: str) -> None:
        if not self.take(operator):
            raise self.failed(f"{operator!r} expected, found {self.current.value or 'the end'!r}")

    def name(self) -> str:
        token = self.current
        if token.kind != "name":
            raise self.failed(f"a name expected, found {token.value or 'the end'!r}")
        self.at += 1
        return token.value

    def program(self) -> Expression:
        if self.take("let"):
            name = self.name()
            self.expect("=")
            value = self.expression()
            self.expect(";")
            return Let(name, value, self.program())
        found = self.expression()
        while self.take(";"):
            found = self.program()
        return found

    def expression(self, precedence: int = 0) -> Expression:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise self.failed("nested too deeply")
        if precedence == 0 and self.peek("let"):
            found = self.program()
        elif precedence == 0 and self.peek("if"):
            found = self.if_else()
        else:
            found = self.binary(precedence)
            while precedence == 0 and self.peek("?", "?:"):
                if self.take("?:"):
                    found = Conditional(found, found, self.expression())
                    continue
                self.expect("?")
                yes = self.expression()
                self.expect(":")
                found = Conditional(found, yes, self.expression())
        self.nesting -= 1
        return found

    def if_else(self) -> Expression:
        self.expect("if")
        condition = self.expression()
        self.expect("{")
        yes = self.program()
        self.expect("}")
        self.expect("else")
        if self.peek("if"):
            return Conditional(condition, yes, self.if_else())
        self.expect("{")
        no = self.program()
        self.expect("}")
        return Conditional(condition, yes, no)

    def binary(self, precedence: int) -> Expression:
        left = self.prefixed()
        before = ""
        while self.current.kind == "op":
            negated = self.peek("not")
            operator = self.tokens[self.at + 1].value if negated else self.current.value
            if negated and operator not in NEGATABLE:
                raise self.failed(f"unexpected 'not' before {operator!r}")
            if operator not in BINARY or BINARY[operator] < precedence:
                break
            self.at += 2 if negated else 1
            if before == "??" and operator != "??":
                raise self.failed(f"{operator!r} and '??' cannot be mixed without parentheses")
            if operator == "|":
                left = self.postfix(self.call(self.name(), (left,)))
            elif operator in ORDERING:
                left = self.ordering(left, operator)
            else:
                above = BINARY[operator] + (operator not in TO_THE_RIGHT)
                left = Binary("**" if operator == "^" else operator, left, self.expression(above), negated)
            before = operator
        return left

    def ordering(self, left: Expression, operator: str) -> Expression:
        """A chain of comparisons: `1 < 2 < 3` means `1 < 2 && 2 < 3`."""
        found: Expression | None = None
        step: str | None = operator
        while step:
            right = self.expression(COMPARISON + 1)
            compared = Binary(step, left, right)
            found = compared if found is None else Binary("&&", found, compared)
            left = right
            step = self.take(*ORDERING)
        assert found is not None  # noqa: S101 - the loop ran at least once
        return found

    def prefixed(self) -> Expression:
        if operator := self.take(*UNARY):
            operand = self.expression(UNARY[operator])
            return self.postfix(Unary("!" if operator == "not" else operator, operand))
        if self.take("("):
            inner = self.program()
            self.expect(")")
            return self.postfix(inner)
        if self.predicates and self.take("#"):
            attached = self.current.kind == "name" and self.current.at == self.tokens[self.at - 1].at + 1
            return self.postfix(Pointer(self.name() if attached else ""))
        if self.predicates and self.peek("."):
            return self.postfix(Pointer(""))
        return self.postfix(self.primary())

    def primary(self) -> Expression:
        self.take("::")
        kind, value, _ = self.current
        if kind in ("number", "string"):
            self.at += 1
            return Literal(value if kind == "string" else number(value))
        if kind == "name":
            self.at += 1
            if value in CONSTANTS:
                return Literal(CONSTANTS[value])
            return self.call(value, ()) if self.peek("(") else Name(value)
        if self.take("["):
            return Array(self.list("]"))
        if self.take("{"):
            return self.map()
        raise self.failed(f"unexpected {value or 'end'!r}")

    def call(self, name: str, first: tuple[Expression, ...]) -> Expression:
        self.expect("(")
        arguments = [*first]
        while not self.take(")"):
            if name in PREDICATES and len(arguments) == 1:
                arguments.append(self.predicate())
            else:
                arguments.append(self.expression())
            if not self.peek(")"):
                self.expect(",")
        if name in PREDICATES and not 1 <= len(arguments) <= PREDICATES[name]:
            raise self.failed(f"{name} takes {PREDICATES[name]} arguments")
        return Call(Name(name), tuple(arguments))

    def predicate(self) -> Predicate:
        self.predicates += 1
        if self.take("{"):
            body = self.program()
            self.expect("}")
        else:
            body = self.expression()
        self.predicates -= 1
        return Predicate(body)

    def list(self, end: str) -> tuple[Expression, ...]:
        found = []
        while not self.take(end):
            found.append(self.expression())
            if not self.peek(end):
                self.expect(",")
        return tuple(found)

    def map(self) -> Expression:
        pairs = []
        while not self.take("}"):
            kind, key, _ = self.current
            if self.take("("):
                wanted = self.expression()
                self.expect(")")
            elif kind in ("name", "string", "number"):
                self.at += 1
                wanted = Literal(key)
            else:
                raise self.failed(f"a map key must be a string, a number, a name or in parentheses, found {key!r}")
            self.expect(":")
            pairs.append((wanted, self.expression()))
            if not self.peek("}"):
                self.expect(",")
        return Map(tuple(pairs))

    def postfix(self, node: Expression) -> Expression:
        while operator := self.take(".", "?.", "["):
            optional = operator == "?."
            if operator == "[" or (optional and self.take("[")):
                node = self.bracket(node, optional)
                continue
            key = self.current
            if key.kind != "name":
                raise self.failed(f"a name expected after {operator!r}, found {key.value or 'the end'!r}")
            self.at += 1
            node = Member(node, Literal(key.value), optional)
            if self.take("("):
                node = Call(node, self.list(")"))
        return node

    def bracket(self, node: Expression, optional: bool) -> Expression:
        start = None if self.peek(":") else self.expression()
        if self.take(":"):
            end = None if self.peek("]") else self.expression()
            self.expect("]")
            return Slice(node, start, end)
        self.expect("]")
        assert start is not None  # noqa: S101 - no colon, so an expression was read
        return Member(node, start, optional)


def parse(text: str) -> Expression:
    """The root node of an expression. Raises ExpressionError where the text is not an expression."""
    parser = _Parser(text)
    try:
        found = parser.program()
    except RecursionError as error:
        raise ExpressionError(f"expression {text[:60]!r} is nested too deeply") from error
    if parser.current.kind != "end":
        raise parser.failed(f"unexpected {parser.current.value!r}")
    return found
