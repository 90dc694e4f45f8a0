"""Alerts and dashboard of performance tests: each metric that they name is one that is pushed, and each alert fires."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from rendered_charts import CHARTS, slipway
from steps.adapters.prometheus.sessions import pushed, session

from slipway_steps.domain.perf_metrics import METRICS

MONITORING = CHARTS / "slipway" / "monitoring"
RULES = MONITORING / "perf-rules.yaml"
NAME = re.compile(r"slipway_perf_\w+")
ON = {"perf": {"prometheusRule": {"enabled": True}, "grafanaDashboard": {"enabled": True}}}


def known() -> set[str]:
    return {family.name for family in text_string_to_metric_families(pushed(session()))}


def test_both_are_off_unless_asked_for() -> None:
    assert not [key for key in slipway({}) if key[0] == "PrometheusRule" or "dashboard" in key[1]]


def test_the_rule_is_the_file_and_names_what_is_pushed() -> None:
    rule = slipway(ON)["PrometheusRule", "slipway-perf"]
    assert rule["spec"] == yaml.safe_load(RULES.read_text())
    assert set(NAME.findall(RULES.read_text())) <= known()


def test_the_dashboard_names_what_is_pushed() -> None:
    found: dict[str, Any] = json.loads(slipway(ON)["ConfigMap", "slipway-perf-dashboard"]["data"]["slipway-perf.json"])
    queries = " ".join(target["expr"] for panel in found["panels"] for target in panel["targets"])
    assert set(NAME.findall(queries)) <= known()
    named = {one for text in re.findall(r'metric=~?"([^"]+)"', queries) for one in text.split("|")}
    assert named <= set(METRICS)


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed (apt install prometheus)")
def test_each_alert_fires_when_it_has_to(tmp_path: Path) -> None:
    labels = 'scenario="a",target="argo"'
    series = {
        f'slipway_perf_verdict{{{labels},verdict="reject"}}': "0 1",
        f"slipway_perf_error_ratio{{{labels}}}": "0.05 0.2",
        f"slipway_perf_finished_timestamp_seconds{{{labels}}}": "0 0",
    }
    shown = [{"series": name, "values": f"{values.split()[1]}+0x{10 * 24}"} for name, values in series.items()]
    quiet = [{"series": name, "values": f"{values.split()[0]}+0x24"} for name, values in series.items()]
    file = tmp_path / "tests.yaml"
    for given, day, wanted in ((quiet, "1h", 0), (shown, "9d", 3)):
        written = {"rule_files": [str(RULES)], "evaluation_interval": "1h", "tests": []}
        expression = "count(ALERTS) or vector(0)"
        case = {"expr": expression, "eval_time": day, "exp_samples": [{"labels": "{}", "value": wanted}]}
        written["tests"] = [{"interval": "1h", "input_series": given, "promql_expr_test": [case]}]
        file.write_text(yaml.safe_dump(written))
        done = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
