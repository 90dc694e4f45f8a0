"""The table of a handler's functions: calls, times, memory, verdict; for the terminal and the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from slipway_steps.domain.handler import BUDGETS, FUNCTIONS, Fault, FunctionCall, InferenceTestResult
from slipway_steps.domain.handler_verdicts import END_TO_END, calls_alone, function_verdict
from slipway_steps.domain.statistics import percentile

SHOWN = 200
"""Characters of a fault's message on the terminal; the page and the other formats have all of it."""


@dataclass(frozen=True)
class FunctionRow:
    """One function. Times in seconds over whole requests, peak in bytes when called alone; None: not measured."""

    name: str
    calls: int
    p50: float | None
    p95: float | None
    peak: int | None
    verdict: str
    budget: tuple[float, float]

    @property
    def within(self) -> str:
        """How the slowest calls compare with the budget: "", "faster" or "slower"."""
        if self.p95 is None:
            return ""
        return "slower" if self.p95 > self.budget[1] else "faster" if self.p95 < self.budget[0] else ""


def function_rows(result: InferenceTestResult) -> list[FunctionRow]:
    """A row for each function that was called, and one for whole requests."""
    rows = []
    alone = calls_alone(result)
    called = {one.function for one in result.request_calls}
    names = [*FUNCTIONS, *({"transform_fn"} & called if not called & {"input_fn", "predict_fn"} else ())]
    for name in names:
        own = [one for one in alone if one.function == name]
        timed = [one for one in result.request_calls if one.function == name] or own
        if own or timed:
            rows.append(_row(name, timed, own, result))
    if sent := [one for one in result.end_to_end_results if not one.not_sent]:
        verdict = function_verdict(END_TO_END, result)
        # a request that ended the process has no time
        rows.append(_measured(END_TO_END, len(sent), [one.seconds for one in sent if one.seconds], None, verdict))
    return rows


def _row(
    name: str, timed: Sequence[FunctionCall], own: Sequence[FunctionCall], result: InferenceTestResult
) -> FunctionRow:
    seconds = [one.seconds for one in timed if not one.not_reached]
    peak = max((one.peak_bytes for one in own), default=0)
    return _measured(name, len(seconds), seconds, peak or None, function_verdict(name, result))


def _measured(name: str, calls: int, seconds: list[float], peak: int | None, verdict: str) -> FunctionRow:
    budget = BUDGETS.get(name, BUDGETS[END_TO_END])
    p50, p95 = (percentile(seconds, percent) if seconds else None for percent in (50, 95))
    return FunctionRow(name, calls, p50, p95, peak, verdict, budget)


def seconds_text(seconds: float | None) -> str:
    """A time as people read it: 412 ms, 1.2 s; "-" for None."""
    if seconds is None:
        return "-"
    if seconds < 0.01:
        return f"{seconds * 1000:.{2 if seconds < 0.001 else 1}f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def bytes_text(number: int | None) -> str:
    """Memory as people read it; "-" for None."""
    return "-" if number is None else f"{number / 2**20:.0f} MiB"


def headline(result: InferenceTestResult, name: str, accepts: int) -> str:
    """What was tested, in one line."""
    digest = result.package_digest.removeprefix("sha256:")[:12]
    parts = [f"{name} sha256:{digest}… {size_text(result.package_bytes)}" if digest else name]
    if result.toolkit:
        parts.append(result.toolkit)
    types = f"{accepts} accept type{'s' if accepts != 1 else ''}"
    parts.append(f"{result.samples} sample{'s' if result.samples != 1 else ''} × {types}")
    return " · ".join(parts)


def size_text(number: int) -> str:
    """The size of a file as people read it: 0.4 kB, 4.1 MB, 2.0 GB."""
    if number >= 10**9:
        return f"{number / 1e9:.1f} GB"
    return f"{number / 1e6:.1f} MB" if number >= 100_000 else f"{number / 1e3:.1f} kB"


def one_line(text: str) -> str:
    """A text of the user's code on one line, without what a terminal would take as an order."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in " ".join(text.split()))


def fault_lines(fault: Fault) -> list[str]:
    """A fault in one line, and where and how to mend it in another."""
    where = [str(fault.place)] if fault.place else []
    where += [f"sample {fault.sample}{f', {fault.rows}' if fault.rows else ''}"] if fault.sample else []
    word = "remark" if fault.remark else "rejected"
    message = fault.message if len(fault.message) <= SHOWN else f"{fault.message[: SHOWN - 1]}…"
    told = f"{', '.join(where)}{'; ' if where else ''}{fault.advice}"
    return [f"{word}: {fault.code}: {one_line(message)}", f"  {one_line(told)}"]
