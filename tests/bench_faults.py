"""Measures how many faults of handlers are named, and how many valid handlers are rejected. Run by `make bench`."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from handler_packages import PACKAGES
from handlers.fault_packages import Case, found_first, make_case, read_cases, run_package
from handlers.test_valid_handlers import run_combinations


def named(cases: Iterable[Case], directory: Path) -> None:
    """Print the share of cases whose fault is named first."""
    cases = list(cases)
    missed = []
    for case in cases:
        result = run_package(make_case(case, directory / case.name), directory / "store", **case.spec)
        found = found_first(result, case)
        if found is None or found.code not in case.codes:
            missed.append(case.name)
    print(f"{len(cases) - len(missed)} of {len(cases)} faults named; missed: {', '.join(missed) or 'none'}")


def main() -> None:
    """Measure all."""
    for folder in ("mutations", "variants"):
        with tempfile.TemporaryDirectory() as name:
            print(f"{folder}: ", end="", flush=True)
            named(read_cases(folder), Path(name))
    with tempfile.TemporaryDirectory() as name:
        results = [run_combinations(package, Path(name)) for package in PACKAGES]
    asked = sum(len(one.end_to_end_results) for one in results)
    rejected = sum(not one.success for result in results for one in result.end_to_end_results)
    verdicts = sum(not result.overall_success for result in results)
    print(f"valid packages: {verdicts} of {len(results)} rejected, {rejected} of {asked} combinations failed; wanted 0")


if __name__ == "__main__":
    main()
