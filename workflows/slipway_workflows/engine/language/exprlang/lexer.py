"""Splits the text of an expression into tokens."""

import json
import re
from typing import NamedTuple

from slipway_workflows.engine.errors import ExpressionError

TOKEN = re.compile(
    r"""
      (?P<space>\s+|//[^\n]*|/\*.*?\*/)
    | (?P<number>0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+
        |(?:[0-9][0-9_]*)(?:\.(?!\.)[0-9_]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)
    | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:[^`]|``)*`)
    | (?P<name>[^\W\d][\w$]*|\$\w+)
    | (?P<op>\?\?|\?\.|\?:|\|\||&&|==|!=|<=|>=|\*\*|\.\.|::|[-+*/%^<>!()\[\]{},.?:|\#;=])
    """,
    re.VERBOSE | re.DOTALL,
)
OPERATOR_WORDS = {"or", "and", "not", "in", "matches", "contains", "startsWith", "endsWith", "let", "if", "else"}
SYNONYMS = {"or": "||", "and": "&&"}
SIMPLE_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class Token(NamedTuple):
    """One token of an expression. `kind`: number, string, name, op or end. `at`: its offset in the text."""

    kind: str
    value: str
    at: int


def tokens(text: str) -> list[Token]:
    """The tokens of an expression, an end token last. Raises ExpressionError for a text that is not made of tokens."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None or match.end() == at:
            raise ExpressionError(f"expression {text!r}: unexpected {text[at : at + 10]!r}")
        kind, value = match.lastgroup or "", match.group()
        if kind == "name" and value in OPERATOR_WORDS and not (found and found[-1].value in (".", "?.")):
            kind, value = "op", SYNONYMS.get(value, value)
        if kind == "string":
            value = unquoted(value)
        if kind != "space":
            found.append(Token(kind, value, at))
        at = match.end()
    return [*found, Token("end", "", len(text))]


def unquoted(text: str) -> str:
    """The text that a string literal means. Raises ExpressionError for an unknown escape sequence."""
    if text[0] == "`":
        return text[1:-1].replace("``", "`")
    return re.sub(r"\\(x..|u\{[0-9a-fA-F]+\}|u.{4}|U.{8}|[0-7]{3}|.)", _escape, text[1:-1], flags=re.DOTALL)


def _escape(match: re.Match[str]) -> str:
    code = match.group(1)
    if code in SIMPLE_ESCAPES:
        return SIMPLE_ESCAPES[code]
    if code in ("\\", "'", '"', "`"):
        return code
    try:
        if code[0] in "xuU":
            return chr(int(code[1:].strip("{}"), 16))
        if len(code) == 3:
            return chr(int(code, 8))
    except (ValueError, OverflowError):
        pass
    raise ExpressionError(f"a string holds the unknown escape \\{code}")


def number(text: str) -> int | float:
    """The value of a number literal. Raises ExpressionError where it has none."""
    plain = text.replace("_", "")
    try:
        if plain[:2].lower() in ("0x", "0o", "0b"):
            return int(plain, 0)
        return float(plain) if any(c in plain for c in ".eE") else int(plain)
    except ValueError as error:
        raise ExpressionError(f"{text!r} is not a number") from error


def quoted(text: str) -> str:
    """A string literal that means `text`."""
    return json.dumps(text, ensure_ascii=True) if text.isascii() or max(map(ord, text)) < 0x10000 else _raw(text)


def _raw(text: str) -> str:
    return "`" + text.replace("`", "``") + "`"
