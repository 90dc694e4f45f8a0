"""`when` clauses: the language of govaluate, as Argo uses it.

    clause     = or { ("?" | ":" | "??") or }          `a ? b` is b or nothing, `x : c` is c where x is nothing
    or         = and { "||" and }
    and        = comparison { "&&" comparison }
    comparison = bits { ("==" | "!=" | "<" | "<=" | ">" | ">=" | "=~" | "!~" | "in") bits }
    bits       = shift { ("&" | "|" | "^") shift }
    shift      = sum { ("<<" | ">>") sum }
    sum        = product { ("+" | "-") product }
    product    = power { ("*" | "/" | "%") power }
    power      = unary [ "**" unary ]
    unary      = [ "!" | "-" | "~" ] primary
    primary    = number | string | word | "true" | "false" | "(" clause { "," clause } ")" | "[" word "]"

Tags have been filled in before. A word without quotes is a string, as in Argo; a date in quotes is a number, of seconds
since 1970; a number never equals a string; the result has to be a boolean.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language import golang, regular

TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>0x[0-9a-fA-F]+|[0-9]+(?:\.[0-9]*)?|\.[0-9]+)
    | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    | (?P<bracket>\[(?:\\.|[^\]\\])*\])
    | (?P<word>[^\W\d]\w*(?:\.\w+)*)
    | (?P<op>\|\||&&|==|!=|<=|>=|=~|!~|\*\*|<<|>>|\?\?|[-+*/%<>!(),?:&|^~])
    )""",
    re.VERBOSE,
)
DATES = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S")
COMPARATORS = ("==", "!=", "<=", ">=", "<", ">", "=~", "!~", "in")
MAX_NESTING = 100
"""How deep parentheses may be nested; deeper ones are refused, before Python's recursion limit is reached."""


class Token(NamedTuple):
    """One token of a clause. `kind`: number, string, word, bool, op or end."""

    kind: str
    value: Any


def tokens(text: str) -> list[Token]:
    """The tokens of a clause, an end token last. Raises ExpressionError for a text that is not made of tokens."""
    found, at, text = [], 0, text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None or match.end() == at:
            raise ExpressionError(f"invalid token at {text[at : at + 20]!r}", "quote strings")
        kind, value = match.lastgroup or "", match.group(match.lastgroup or 0)
        at = match.end()
        if kind == "number" and at < len(text) and (text[at].isalnum() or text[at] in "_."):
            raise ExpressionError(
                f"{text[match.start() : at + 10].strip()!r} is neither a number nor a word", "quote strings"
            )
        found.append(_token(kind, value))
    return [*found, Token("end", None)]


def _token(kind: str, value: str) -> Token:
    if kind == "number":
        return Token("number", _number(value))
    if kind == "string":
        text = re.sub(r"\\(.)", r"\1", value[1:-1])
        date = _date(text)
        return Token("string", text) if date is None else Token("number", date)
    if kind == "bracket":
        return Token("word", value[1:-1])
    if kind == "word" and value in ("true", "false"):
        return Token("bool", value == "true")
    if kind == "word" and "." in value:
        raise ExpressionError(f"{value!r} is not a word: it has a dot", "quote strings")
    return Token("op", value) if kind == "word" and value == "in" else Token(kind, value)


def _number(text: str) -> float:
    if text.startswith("0x"):
        whole = int(text[2:], 16)
        if whole >= 1 << 64:
            raise ExpressionError(f"{text[:20]}... has more than 64 bits", "write a smaller number")
        return float(whole)
    value = float(text)
    if math.isinf(value):
        raise ExpressionError(f"{text[:20]}... is too large for a number", "write a smaller number")
    return value


def _date(text: str) -> float | None:
    for form in DATES:
        try:
            found = datetime.strptime(text, form)
        except ValueError:
            continue
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return None


class _Parser:
    """Parses a clause by recursive descent, one method for each rule of the grammar, and evaluates it meanwhile.

    `live` is false for a part that is parsed but not evaluated, such as the right side of `true || ...`.
    """

    def __init__(self, text: str) -> None:
        self.tokens = tokens(text)
        self.at = 0
        self.depth = 0

    def take(self, *values: str) -> str | None:
        token = self.tokens[self.at]
        if token.kind == "op" and token.value in values:
            self.at += 1
            return str(token.value)
        return None

    def clause(self, live: bool) -> Any:
        left = self.either(live)
        while operator := self.take("?", ":", "??"):
            if operator == "?":
                if live and not isinstance(left, bool):
                    raise ExpressionError(f"{left!r} cannot be used with ?: it is not a boolean")
                right = self.either(live and left is True)
                left = right if left is True else None
            else:
                right = self.either(live and left is None)
                left = right if left is None else left
        return left

    def either(self, live: bool) -> Any:
        left = self.both(live)
        while self.take("||"):
            right = self.both(live and left is not True)
            left = self.logic("||", left, right, live)
        return left

    def both(self, live: bool) -> Any:
        left = self.comparison(live)
        while self.take("&&"):
            right = self.comparison(live and left is not False)
            left = self.logic("&&", left, right, live)
        return left

    @staticmethod
    def logic(operator: str, left: Any, right: Any, live: bool) -> Any:
        if not live:
            return None
        decided = operator == "||"
        for value in (left, right):
            if not isinstance(value, bool):
                raise ExpressionError(f"{value!r} cannot be used with {operator}: it is not a boolean")
            if value is decided:
                return decided
        return not decided

    def comparison(self, live: bool) -> Any:
        left = self.bits(live)
        while operator := self.take(*COMPARATORS):
            right = self.bits(live)
            left = _compare(operator, left, right) if live else None
        return left

    def bits(self, live: bool) -> Any:
        return self.chain(("&", "|", "^"), self.shift, live)

    def shift(self, live: bool) -> Any:
        return self.chain(("<<", ">>"), self.sum, live)

    def sum(self, live: bool) -> Any:
        return self.chain(("+", "-"), self.product, live)

    def product(self, live: bool) -> Any:
        return self.chain(("*", "/", "%"), self.power, live)

    def power(self, live: bool) -> Any:
        return self.chain(("**",), self.unary, live)

    def chain(self, operators: tuple[str, ...], below: Callable[[bool], Any], live: bool) -> Any:
        left = below(live)
        while operator := self.take(*operators):
            right = below(live)
            left = _calculate(operator, left, right) if live else None
        return left

    def unary(self, live: bool) -> Any:
        operator = self.take("!", "-", "~")
        value = self.primary(live)
        if not operator or not live:
            return value
        if operator == "!" and isinstance(value, bool):
            return not value
        if operator == "-" and isinstance(value, float):
            return -value
        if operator == "~" and isinstance(value, float):
            return float(~golang.int64(value))
        raise ExpressionError(f"{value!r} cannot be used with the prefix {operator}")

    def primary(self, live: bool) -> Any:
        token = self.tokens[self.at]
        self.at += 1
        if token.kind in ("number", "string", "word", "bool"):
            return token.value
        if token.kind == "op" and token.value == "(":
            self.depth += 1
            if self.depth > MAX_NESTING:
                raise ExpressionError("parentheses are nested too deeply")
            values = [self.clause(live)]
            while self.take(","):
                values.append(self.clause(live))
            if not self.take(")"):
                raise ExpressionError("unbalanced parenthesis")
            self.depth -= 1
            return values[0] if len(values) == 1 else values
        raise ExpressionError(f"unexpected {token.value!r}" if token.kind != "end" else "unexpected end of expression")


def _compare(operator: str, left: Any, right: Any) -> bool:
    if operator in ("==", "!="):
        return (type(left) is type(right) and left == right) is (operator == "==")
    if operator == "in":
        if not isinstance(right, list):
            raise ExpressionError(f"{right!r} cannot be used with in: it is not a list")
        return any(type(left) is type(item) and left == item for item in right)
    if operator in ("=~", "!~"):
        if not isinstance(left, str) or not isinstance(right, str):
            raise ExpressionError(f"{left!r} {operator} {right!r}: both have to be strings")
        return regular.found(right, left) is (operator == "=~")
    if type(left) is not type(right) or not isinstance(left, float | str):
        raise ExpressionError(f"{left!r} {operator} {right!r}: both have to be numbers, or both strings")
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator])


ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": golang.quotient,
    "%": golang.remainder,
    "**": golang.power,
    "&": lambda left, right: float(golang.int64(left) & golang.int64(right)),
    "|": lambda left, right: float(golang.int64(left) | golang.int64(right)),
    "^": lambda left, right: float(golang.int64(left) ^ golang.int64(right)),
    "<<": lambda left, right: float(golang.shift_left(golang.uint64(left), golang.uint64(right))),
    ">>": lambda left, right: float(golang.shift_right(golang.uint64(left), golang.uint64(right))),
}


def _calculate(operator: str, left: Any, right: Any) -> Any:
    if operator == "+" and (isinstance(left, str) or isinstance(right, str)):
        return golang.text_of(left) + golang.text_of(right)
    for value in (left, right):
        if not isinstance(value, float):
            raise ExpressionError(f"{value!r} cannot be used with {operator}: it is not a number", "quote strings")
    return ARITHMETIC[operator](left, right)


def parse(text: str) -> None:
    """Parse a clause without evaluating it. Raises ExpressionError."""
    if text:
        _parsed(text, live=False)


def _parsed(text: str, live: bool) -> Any:
    parser = _Parser(text)
    try:
        value = parser.clause(live)
    except RecursionError as error:
        raise ExpressionError(f"when {text[:60]!r} is nested too deeply") from error
    if parser.tokens[parser.at].kind != "end":
        raise ExpressionError(f"when {text!r}: unexpected {parser.tokens[parser.at].value!r}", "quote strings")
    return value


def evaluate(text: str) -> bool:
    """The value of a clause; an empty one is true. Raises ExpressionError for any other that gives no boolean."""
    if not text:
        return True
    value = _parsed(text, live=True)
    if not isinstance(value, bool):
        raise ExpressionError(f"when {text!r} gives {value!r}, not true or false", "compare it with something")
    return value
