"""The result of performance tests as JUnit XML, for continuous integration."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slipway_steps.domain.verdict import Check, Verdict
from slipway_workflows.report.handler_formats import plain

if TYPE_CHECKING:
    from junitparser import TestCase


def junit(suites: Sequence[tuple[str, Sequence[Check], Sequence[str], float]]) -> str:
    """JUnit XML with a suite for each performance test: its name, its checks, its errors, and the seconds it took.

    A rejected check is a failure; one that is inconclusive, and each error, is an error.
    """
    from junitparser import Error, JUnitXml, TestCase, TestSuite

    xml = JUnitXml()
    for name, checks, errors, seconds in suites:
        suite = TestSuite(plain(name))
        for check in checks:
            suite.add_testcase(_case(check))
        for error in errors:
            case = TestCase(plain(error.partition(":")[0]), "errors", 0)
            case.result = [Error(plain(error), "broken")]
            suite.add_testcase(case)
        if not len(suite):
            suite.add_testcase(TestCase("measured", "session", seconds))
        xml.add_testsuite(suite)
    text: bytes = xml.tostring()
    return text.decode()


def _case(check: Check) -> "TestCase":
    from junitparser import Error, Failure, TestCase

    case = TestCase(plain(check.code), "checks", 0)
    if check.verdict is not Verdict.PASS:
        kind = Failure if check.verdict is Verdict.REJECT else Error
        case.result = [kind(plain(check.message), check.verdict.value)]
    return case
