"""Reads a filter: `or` binds least, then `and`, then `not`. The grammar stands in docs/reference/filter-language.md."""

from typing import Final

from sigdep.tasks.filter import dates
from sigdep.tasks.filter.fields import FIELDS, Field, suggestion
from sigdep.tasks.filter.lexer import Token, tokens
from sigdep.tasks.filter.syntax import (
    FILTER_DEPTH_MAX,
    FILTER_TERMS_MAX,
    FLAGS,
    KEYWORDS,
    THINGS,
    Comparison,
    Filter,
    FlagIs,
    Has,
    Membership,
    Not,
    Operator,
    Value,
    both,
    either,
    fault,
    is_flag,
    is_thing,
)
from sigdep.tasks.filter.values import checked, shown_number

_OPERATORS: Final[dict[str, Operator]] = {
    ":": "=",
    "=": "=",
    "!=": "!=",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
}
_STARTS: Final = (*FIELDS, *FLAGS, "has", "not")


def parse(text: str) -> Filter:
    """
    Raises:
        Invalid: what is wrong, at which column, and what was expected there.
    """
    parser = _Parser(tokens(text))
    tree = parser.either(depth=1)
    parser.expect_end()
    return tree


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._place = 0
        self._terms = 0

    def _peek(self) -> Token:
        return self._tokens[self._place]

    def _take(self) -> Token:
        token = self._peek()
        if token.kind != "end":
            self._place += 1
        return token

    def _take_keyword(self, keyword: str) -> bool:
        if self._peek().keyword != keyword:
            return False
        self._place += 1
        return True

    # ── how terms join ──────────────────────────────────────────────────────────────────────────────────

    def either(self, depth: int) -> Filter:
        parts = [self._both(depth)]
        while self._take_keyword("or"):
            parts.append(self._both(depth))
        return either(parts)

    def _both(self, depth: int) -> Filter:
        parts = [self._not(depth)]
        while self._take_keyword("and"):
            parts.append(self._not(depth))
        return both(parts)

    def _not(self, depth: int) -> Filter:
        if depth > FILTER_DEPTH_MAX:
            raise fault(
                self._peek().column,
                f'parentheses and "not" stand at most {FILTER_DEPTH_MAX} deep inside one another.',
            )
        if self._take_keyword("not"):
            return Not(self._not(depth + 1))
        if self._peek().kind == "(":
            opening = self._take()
            inside = self.either(depth + 1)
            if self._peek().kind != ")":
                raise fault(
                    self._peek().column,
                    f'expected "and", "or" or the ")" that closes column {opening.column}, found {self._peek()}.',
                )
            self._take()
            return inside
        return self._term()

    def expect_end(self) -> None:
        if self._peek().kind != "end":
            raise fault(self._peek().column, f'expected "and", "or" or the end, found {self._peek()}.')

    # ── terms ───────────────────────────────────────────────────────────────────────────────────────────

    def _term(self) -> Filter:
        token = self._take()
        self._count(token)
        if token.kind == "string":
            return Comparison("text", "=", Value(token.text, True, token.column))
        if token.kind != "word" or token.keyword in KEYWORDS:
            raise fault(
                token.column,
                f'expected a term such as "due < tomorrow", "label:work" or "not blocked", found {token}.',
            )
        if self._peek().kind == "operator" or self._begins_membership():
            return self._has() if token.keyword == "has" else self._compared(self._field(token))
        if is_flag(token.keyword):
            return FlagIs(token.keyword)
        number = shown_number(Value(token.text, column=token.column))
        if number is not None and not token.text.isdigit():
            return Comparison("number", "=", number)
        raise self._lonely(token)

    def _count(self, token: Token) -> None:
        self._terms += 1
        if self._terms > FILTER_TERMS_MAX:
            raise fault(token.column, f"a filter has at most {FILTER_TERMS_MAX} terms.")

    def _begins_membership(self) -> bool:
        following = self._tokens[self._place : self._place + 2]
        words = [token.keyword for token in following]
        return words[0] == "in" or words == ["not", "in"]

    def _lonely(self, token: Token) -> Exception:
        if token.keyword in FIELDS:
            field = FIELDS[token.keyword]
            return fault(
                self._peek().column,
                f'expected one of {" ".join(field.operators)} : after "{field.name}", found {self._peek()}.',
            )
        if token.keyword == "has":
            return fault(self._peek().column, f'expected ":" after "has", found {self._peek()}.')
        return fault(token.column, f'"{token.text}" is no field or flag.{suggestion(token.text, _STARTS)}')

    def _field(self, token: Token) -> Field:
        field = FIELDS.get(token.keyword)
        if field is None:
            raise fault(token.column, f'"{token.text}" is no field.{suggestion(token.text, (*FIELDS, "has"))}')
        return field

    def _has(self) -> Filter:
        sign = self._take()
        if _OPERATORS.get(sign.text) != "=":
            raise fault(sign.column, f'expected ":" after "has", found {sign}.')
        token = self._take()
        word = token.keyword
        plural = word if word in THINGS else f"{word}s"
        if not is_thing(plural):
            raise fault(
                token.column,
                f'expected one of {", ".join(THINGS)} after "has:", found {token}.{suggestion(word, THINGS)}',
            )
        return Has(plural)

    def _compared(self, field: Field) -> Filter:
        if self._take_keyword("not"):
            return Not(self._compared(field))
        sign = self._take()
        if sign.kind == "word":
            return self._membership(field)
        operator = _OPERATORS[sign.text]
        if operator not in field.operators:
            raise fault(
                sign.column,
                f'"{field.name}" cannot be compared with "{sign.text}": expected one of '
                f"{' '.join(field.operators)} : here.",
            )
        return Comparison(field.name, operator, self._value(field))

    def _membership(self, field: Field) -> Filter:
        opening = self._take()
        if opening.kind != "(":
            raise fault(opening.column, f'expected "(" after "in", found {opening}.')
        values = [self._value(field)]
        while self._peek().kind == ",":
            self._count(self._take())
            values.append(self._value(field))
        closing = self._take()
        if closing.kind != ")":
            raise fault(closing.column, f'expected "," or ")", found {closing}.')
        return Membership(field.name, tuple(values))

    # ── values ──────────────────────────────────────────────────────────────────────────────────────────

    def _value(self, field: Field) -> Value:
        token = self._take()
        if token.kind not in ("word", "string") or token.keyword in KEYWORDS:
            raise fault(token.column, f"expected {field.expects}, found {token}.")
        quoted = token.kind == "string"
        text = token.text
        if field.kind == "time" and not quoted:
            text = self._date(token)
        return checked(field, Value(text, quoted, token.column))

    def _date(self, token: Token) -> str:
        """All the words of one date."""
        following = [token]
        for later in self._tokens[self._place : self._place + 3]:
            if later.kind != "word" or later.keyword in KEYWORDS:
                break
            following.append(later)
        count = dates.word_count([word.text for word in following])
        self._place += count - 1
        return " ".join(word.text for word in following[:count])
