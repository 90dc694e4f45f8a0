"""A watch tells of every change of its list once, whatever happens to its connection."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kube_api_server import KubeApi
from kube_rbac import service_account

from slipway_steps.adapters.kubernetes import watch as watch_module
from slipway_steps.adapters.kubernetes.api import Api
from slipway_steps.adapters.kubernetes.paths import path_of
from slipway_steps.adapters.kubernetes.watch import Watch
from slipway_steps.adapters.retry import RetryPolicy
from slipway_steps.domain.errors import PlatformError
from slipway_steps.settings import Settings

PATH = path_of("v1", "configmaps", "x")


def config_map(name: str, value: str = "1", **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "x", "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": value}}


def until(told: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not told():
        assert time.monotonic() < end, "nothing was told"
        time.sleep(0.01)


class Seen:
    def __init__(self) -> None:
        self.events: list[tuple[str, str, str]] = []
        self.errors: list[PlatformError] = []

    def __call__(self, happened: str, one: dict[str, Any]) -> None:
        self.events.append((happened, one["metadata"]["name"], one["data"]["value"]))


@pytest.fixture
def server() -> Iterator[KubeApi]:
    found = KubeApi()
    found.add(config_map("a"))
    yield found
    found.objects.cut()
    found.close()


@pytest.fixture
def watching(server: KubeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Seen]]:
    monkeypatch.setattr(watch_module, "PAUSE", 0.01)
    started: list[Watch] = []

    def watch(user: str = "", **query: str) -> Seen:
        seen = Seen()
        settings = Settings(KUBECONFIG=str(server.kubeconfig(tmp_path / "kubeconfig", user)))
        api = Api(settings, RetryPolicy(attempts=2, first_wait=0.01))
        one = Watch(api, PATH, "watching", seen, seen.errors.append, **query)
        one.start()
        started.append(one)
        return seen

    yield watch
    for one in started:
        one.close()


def test_it_tells_of_what_is_there_and_of_each_change(server: KubeApi, watching: Callable[..., Seen]) -> None:
    seen = watching()
    server.add(config_map("b"))
    server.add(config_map("a", "2"))
    del server.objects["v1", "configmaps", "x", "b"]
    until(lambda: len(seen.events) == 4)
    assert seen.events == [("ADDED", "a", "1"), ("ADDED", "b", "1"), ("MODIFIED", "a", "2"), ("DELETED", "b", "1")]


def test_it_tells_of_selected_objects_alone(server: KubeApi, watching: Callable[..., Seen]) -> None:
    seen = watching(labelSelector="session=p")
    server.add(config_map("other", session="q"))
    server.add(config_map("own", session="p"))
    until(lambda: bool(seen.events))
    assert seen.events == [("ADDED", "own", "1")]


def test_a_broken_connection_loses_nothing(server: KubeApi, watching: Callable[..., Seen]) -> None:
    seen = watching()
    for number in range(20):
        server.add(config_map(f"n{number}"))
        if number % 5 == 0:
            server.objects.cut()
    until(lambda: {name for _, name, _ in seen.events} == {"a", *(f"n{number}" for number in range(20))})
    assert not seen.errors


def test_a_forgotten_version_is_read_anew_and_tells_what_has_gone(
    server: KubeApi, watching: Callable[..., Seen]
) -> None:
    seen = watching()
    until(lambda: bool(seen.events))
    with server.objects.changed:  # nothing is sent meanwhile
        del server.objects["v1", "configmaps", "x", "a"]
        server.objects.forget()
        server.objects.log.clear()
    server.objects.cut()
    until(lambda: ("DELETED", "a", "1") in seen.events)


def test_a_watch_that_is_not_allowed_says_so(server: KubeApi, watching: Callable[..., Seen]) -> None:
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}
    name = {"metadata": {"name": "r", "namespace": "x"}, "apiVersion": "rbac.authorization.k8s.io/v1"}
    subject = {"kind": "ServiceAccount", "name": "p", "namespace": "slipway"}
    server.add({**name, "kind": "Role", "rules": [rule]})
    server.add({**name, "kind": "RoleBinding", "roleRef": {"name": "r"}, "subjects": [subject]})
    seen = watching(service_account("p"))
    until(lambda: bool(seen.errors))
    assert "cannot watch" in str(seen.errors[0])


def test_an_error_that_nobody_foresaw_is_told_once(server: KubeApi, watching: Callable[..., Seen]) -> None:
    seen = watching()
    server.add({**config_map("b"), "data": {}})  # what is told of it raises KeyError
    until(lambda: bool(seen.errors))
    assert "watching failed: KeyError('value')" in str(seen.errors[0])
    server.add(config_map("c"))
    time.sleep(0.2)
    assert len(seen.errors) == 1


def test_closing_ends_its_thread(watching: Callable[..., Seen], server: KubeApi, tmp_path: Path) -> None:
    settings = Settings(KUBECONFIG=str(server.kubeconfig(tmp_path / "kubeconfig")))
    one = Watch(Api(settings), PATH, "watching", Seen(), lambda _: None)
    one.start()
    time.sleep(0.1)
    before = time.monotonic()
    one.close()
    assert time.monotonic() - before < 2
    assert not any(thread.name == f"watch {PATH}" for thread in threading.enumerate())
