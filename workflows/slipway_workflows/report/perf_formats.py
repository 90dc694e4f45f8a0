"""The result of performance tests as JUnit XML, for continuous integration."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.verdict import Check, Verdict
from slipway_workflows.report.handler_formats import plain

if TYPE_CHECKING:
    from junitparser import TestCase


class PerfSuite(NamedTuple):
    """A performance test: the name of its scenario, by which its history in CI is found; the name of the session or
    comparison, by which its report is found; its checks, and the seconds that it took.
    """

    name: str
    session: str
    checks: Sequence[Check]
    seconds: float


def suite_name(scenario: PerfScenario) -> str:
    """What people call a scenario: its own name, else that of its pipeline's file, else its mode."""
    return scenario.name or scenario.pipeline_file_name or scenario.mode


def junit(suites: Sequence[PerfSuite]) -> str:
    """JUnit XML with a suite for each performance test. Those of one name are numbered from the second on.

    A rejected check is a failure; one that is inconclusive or an error is an error.
    """
    from junitparser import JUnitXml, TestCase, TestSuite

    xml, known = JUnitXml(), Counter[str]()
    for one in suites:
        known[one.name] += 1
        name = plain(one.name) + (f" ({known[one.name]})" if known[one.name] > 1 else "")
        suite = TestSuite(name)
        suite.add_property("session", plain(one.session))
        suite.add_testcases([_case(check, name) for check in one.checks] or [TestCase("measured", f"perf.{name}", 0)])
        # the cases have no times of their own, of which it would be the sum
        suite.time = round(one.seconds, 3)
        xml.add_testsuite(suite)
    text: bytes = xml.tostring()
    return text.decode()


def _case(check: Check, suite: str) -> "TestCase":
    from junitparser import Error, Failure, TestCase

    case = TestCase(plain(check.code), f"perf.{suite}", 0)
    if check.verdict is not Verdict.PASS:
        kind = Failure if check.verdict is Verdict.REJECT else Error
        case.result = [kind(plain(check.message), check.verdict.value)]
    return case
