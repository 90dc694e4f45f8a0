"""Plugins of other packages: they collect numbers of their own, analyze the runs, and add a text to the report.

A package names its plugins by the entry point group `slipway.perf.plugins`: a name -> a class that can be called
without arguments. A plugin that raises, or returns what JSON cannot hold, is named in the session's notes, and costs
nothing else.
"""

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points

from slipway_steps.perf.runner import PerfContext
from slipway_steps.perf.told import json_value, text

GROUP = "slipway.perf.plugins"
"""The entry point group."""


class PerformancePlugin:
    """What a plugin may do. Each method is called once in a session, after the last run; a subclass changes some."""

    def collect_metrics(self, context: PerfContext) -> Mapping[str, object]:
        """Numbers beside those of the target, by name. Called while the target still knows the runs."""
        return {}

    def analyze_results(self, metrics: Mapping[str, object]) -> Mapping[str, object]:
        """What follows from them. metrics: those that `collect_metrics` returned."""
        return {}

    def generate_report(self, analysis: Mapping[str, object]) -> str:
        """A text for people about it; "" for none."""
        return ""


def installed_plugins(tell: Callable[[str], None]) -> dict[str, PerformancePlugin]:
    """The plugins of all installed packages, by name. tell: is told of each that cannot be imported or made."""
    found = {}
    for entry in entry_points(group=GROUP):
        try:
            found[entry.name] = entry.load()()
        except (Exception, SystemExit) as error:  # whatever its module raises
            tell(text(f"plugin {entry.name} ({entry.value}) cannot be loaded: {error!r}"))
    return found


def ask_plugins(
    plugins: Mapping[str, PerformancePlugin], context: PerfContext, tell: Callable[[str], None]
) -> dict[str, dict[str, object]]:
    """What each plugin collected (`metrics`), concluded (`analysis`) and wrote (`report`), by its name.

    tell: is told of each that raises, or returns what JSON cannot hold; what it had returned before is kept.
    """
    found: dict[str, dict[str, object]] = {}
    for name, plugin in plugins.items():
        told = found[name] = {}
        hook = "collect_metrics"
        try:
            metrics = dict(plugin.collect_metrics(context))
            told["metrics"] = json_value(metrics)
            hook = "analyze_results"
            analysis = dict(plugin.analyze_results(metrics))
            told["analysis"] = json_value(analysis)
            hook = "generate_report"
            told["report"] = json_value(str(plugin.generate_report(analysis) or ""))
        except (Exception, SystemExit) as error:  # whatever its code raises
            tell(text(f"plugin {name}: {hook} failed: {error!r}"))
    return found
