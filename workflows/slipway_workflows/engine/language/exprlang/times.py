"""Times and durations as in Go: how they are parsed and printed, their methods, and Go's layouts of times."""

import re
from datetime import UTC, datetime, timedelta
from functools import total_ordering
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from slipway_workflows.engine.errors import ExpressionError

UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
"""The nanoseconds of each unit."""
PART = re.compile(r"([0-9]*\.?[0-9]+|[0-9]+\.)(ns|us|µs|ms|s|m|h)")
LAYOUT = re.compile(
    r"2006|January|Jan|Monday|Mon|MST|Z07:00|Z0700|-07:00|-0700|-07|PM|pm|[.,]0+|[.,]9+|01|02|03|04|05|06|15|_2|1|2|3|4|5"
)
DIRECTIVES = {
    "2006": "%Y", "06": "%y", "January": "%B", "Jan": "%b", "01": "%m", "02": "%d", "Monday": "%A", "Mon": "%a",
    "15": "%H", "03": "%I", "04": "%M", "05": "%S", "PM": "%p", "MST": "%Z", "-0700": "%z",
}  # fmt: skip
DATE_FORMATS = (
    "%Y-%m-%d",
    "%H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%d %b %y %H:%M %Z",
    "%a, %d %b %Y %H:%M:%S %Z",
    "%A, %d-%b-%y %H:%M:%S %Z",
    "%B %d, %Y",
    "%b %d, %Y",
)


@total_ordering
class Duration:
    """A span of time in whole nanoseconds."""

    def __init__(self, nanoseconds: int) -> None:
        self.nanoseconds = nanoseconds

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """The duration that a text such as `1h30m`, `1.5s` or `-2ms` means. Raises ExpressionError for another text."""
        sign, rest = (-1, text[1:]) if text[:1] == "-" else (1, text.removeprefix("+"))
        if rest == "0":
            return cls(0)
        if not rest or PART.sub("", rest):
            raise ExpressionError(f"{text!r} is not a duration", "write it as 90s, 5m or 1h30m")
        return cls(sign * round(sum(float(value) * UNITS[unit] for value, unit in PART.findall(rest))))

    def __str__(self) -> str:
        whole = abs(self.nanoseconds)
        sign = "-" if self.nanoseconds < 0 else ""
        if whole < 10**9:
            for unit in ("ms", "µs", "ns"):
                if whole >= UNITS[unit]:
                    return f"{sign}{whole / UNITS[unit]:g}{unit}"
            return "0s"
        minutes, rest = divmod(whole, 60 * 10**9)
        seconds = f"{rest // 10**9}{f'.{rest % 10**9:09d}'.rstrip('0') if rest % 10**9 else ''}s"
        hours, minutes = divmod(minutes, 60)
        return sign + (f"{hours}h{minutes}m{seconds}" if hours else f"{minutes}m{seconds}" if minutes else seconds)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and self.nanoseconds == other.nanoseconds

    def __lt__(self, other: "Duration") -> bool:
        return self.nanoseconds < other.nanoseconds

    def __hash__(self) -> int:
        return hash(self.nanoseconds)

    @property
    def delta(self) -> timedelta:
        """The duration as a timedelta of Python, which has microseconds only."""
        return timedelta(microseconds=self.nanoseconds / 1000)


def duration_between(later: datetime, earlier: datetime) -> Duration:
    """The duration from `earlier` to `later`, in whole microseconds; negative if they are the other way round."""
    return Duration(round((later - earlier) / timedelta(microseconds=1)) * 1000)


def parse_time(text: str, layout: str | None = None, zone: str | None = None) -> datetime:
    """The time that a text means.

    `layout`: as Go writes it; None: one of DATE_FORMATS. `zone`: the time zone for a text without one; UTC by default.
    Raises ExpressionError where the text does not fit.
    """
    forms = DATE_FORMATS if layout is None else (LAYOUT.sub(lambda m: DIRECTIVES.get(m.group(), m.group()), layout),)
    for form in forms:
        try:
            found = datetime.strptime(text, form)
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=time_zone(zone or "UTC"))
    raise ExpressionError(f"{text!r} is not a date", "write it as 2006-01-02 or 2006-01-02T15:04:05Z")


def time_zone(name: str) -> Any:
    """The time zone with this IANA name. Raises ExpressionError for an unknown name."""
    if name in ("UTC", "Local", ""):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ExpressionError(f"unknown time zone {name}") from error


def rfc3339(value: datetime) -> str:
    """A time as Go writes it in JSON, by RFC 3339."""
    return value.isoformat().replace("+00:00", "Z")


def layout_text(value: datetime, layout: str) -> str:
    """A time as text. `layout`: as Go writes it, such as `2006-01-02`."""

    def part(match: re.Match[str]) -> str:
        word = match.group()
        special = {
            "_2": f"{value.day:2d}",
            "1": str(value.month),
            "2": str(value.day),
            "3": str((value.hour + 11) % 12 + 1),
            "4": str(value.minute),
            "5": str(value.second),
            "pm": value.strftime("%p").lower(),
            "MST": value.tzname() or "UTC",
            "Z07:00": _offset(value, ":", "Z"),
            "-07:00": _offset(value, ":", ""),
            "Z0700": _offset(value, "", "Z"),
            "-07": _offset(value, "", "")[:3],
        }
        if word[0] in ".,":
            digits = f"{value.microsecond * 1000:09d}"[: len(word) - 1]
            return f"{word[0]}{digits}" if word[1] == "0" else f"{word[0]}{digits}".rstrip("0").rstrip(".,")
        return special[word] if word in special else value.strftime(DIRECTIVES[word])

    return LAYOUT.sub(part, layout)


def _offset(value: datetime, between: str, utc: str) -> str:
    text = value.strftime("%z")
    return utc if utc and text == "+0000" else text[:3] + between + text[3:5]


def method(value: datetime | Duration, name: str, arguments: list[Any]) -> Any:  # noqa: PLR0912 - one for each method
    """The result of a method of Go's time.Time or time.Duration. Raises ExpressionError for an unknown method."""
    if isinstance(value, Duration):
        for unit, size in (("Hours", 3600e9), ("Minutes", 60e9), ("Seconds", 1e9)):
            if name == unit:
                return value.nanoseconds / size
        for unit, whole in (("Milliseconds", 10**6), ("Microseconds", 10**3), ("Nanoseconds", 1)):
            if name == unit:
                return value.nanoseconds // whole
        if name == "String":
            return str(value)
    else:
        simple = {
            "Year": value.year,
            "Month": value.month,
            "Day": value.day,
            "Hour": value.hour,
            "Minute": value.minute,
            "Second": value.second,
            "Nanosecond": value.microsecond * 1000,
            "YearDay": value.timetuple().tm_yday,
            "Weekday": value.isoweekday() % 7,
            "Unix": int(value.timestamp()),
            "UnixMilli": int(value.timestamp() * 1000),
            "UTC": value.astimezone(UTC),
            "String": value.strftime("%Y-%m-%d %H:%M:%S %z UTC"),
        }
        if name in simple:
            return simple[name]
        if name == "Format" and arguments:
            return layout_text(value, str(arguments[0]))
        if name == "Add" and arguments and isinstance(arguments[0], Duration):
            return value + arguments[0].delta
        if name == "AddDate" and len(arguments) == 3:
            months = value.year * 12 + value.month - 1 + arguments[0] * 12 + arguments[1]
            return value.replace(year=months // 12, month=months % 12 + 1) + timedelta(days=arguments[2])
        if arguments and isinstance(arguments[0], datetime):
            other = arguments[0]
            answers = {"Before": value < other, "After": value > other, "Equal": value == other}
            if name in answers:
                return answers[name]
            if name == "Sub":
                return duration_between(value, other)
    raise ExpressionError(f"a time has no method {name} with these arguments")
