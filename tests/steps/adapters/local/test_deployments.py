"""Deployments: several at once, from a process that is piped, by unusual digests, and the address that they get."""

import subprocess

import psutil
import pytest
from steps.adapters.local.misbehaving_apps import DEPLOYS, STAGING, deploy, files, running, until

from slipway_steps.adapters.local.platform import LocalPlatform
from slipway_steps.adapters.local.state import Spec
from slipway_steps.domain.environment import service_host
from slipway_steps.domain.errors import ImageError


def test_several_at_once_leave_one_whole_deployment(platform: LocalPlatform) -> None:
    deploying = [subprocess.Popen([*DEPLOYS, str(platform.home), name]) for name in ("healthy", "parent", "healthy")]
    assert [process.wait(60) for process in deploying] == [0, 0, 0]
    until(lambda: running(platform))
    spec = Spec.read(files(platform) / "spec.json")
    assert spec is not None
    assert spec.candidate is not None
    assert platform.observe(STAGING).pods[0].digest == spec.candidate.digest
    supervisors = [p for p in psutil.process_iter(["cmdline"]) if str(files(platform)) in (p.info["cmdline"] or [])]
    assert len(supervisors) == 1


def test_a_run_that_prints_into_a_pipe_ends(platform: LocalPlatform) -> None:
    command = [*DEPLOYS, str(platform.home), "healthy"]
    subprocess.run(command, capture_output=True, check=True, timeout=20)  # waits until the last writer has closed it
    until(lambda: running(platform))


def test_the_address_is_found_however_the_host_is_written(platform: LocalPlatform) -> None:
    deploy(platform, "healthy")
    host = service_host("model-app", STAGING)
    url = platform.url(host)
    assert url == platform.status(STAGING).url
    assert platform.url(f"http://{host}/") == url
    assert platform.url(host.removesuffix(":8000")) == url
    spec = Spec.read(files(platform) / "spec.json")
    assert spec is not None
    assert spec.port < 32768, "a port that the kernel gives to outgoing connections may be gone after a restart"


def test_a_digest_is_no_way_out_of_the_environment(platform: LocalPlatform) -> None:
    with pytest.raises(ImageError):
        deploy(platform, "../../../elsewhere")
