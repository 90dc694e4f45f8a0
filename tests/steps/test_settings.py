"""How settings are read."""

from pathlib import Path

import pytest

from slipway_steps.domain.errors import BadInput
from slipway_steps.settings import Settings, read_settings


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLIPWAY_MODEL", "flowers")
    monkeypatch.setenv("KUBECONFIG", "/a:/b")
    found = read_settings(tmp_path)
    assert (found.model, found.kubeconfig, found.home) == ("flowers", "/a:/b", tmp_path)


@pytest.mark.parametrize(
    ("name", "value"), [("SLIPWAY_PLATFORM", "moon"), ("SLIPWAY_RESOURCES", "yes"), ("SLIPWAY_HEALTHY_TIMEOUT", "soon")]
)
def test_a_mistyped_setting_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=name):
        read_settings()


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_DEPLOY_PASSWORD", "hush")
    assert "hush" not in repr(Settings())


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_time_to_wait_has_to_be_finite(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_HEALTHY_TIMEOUT", value)
    with pytest.raises(BadInput, match="SLIPWAY_HEALTHY_TIMEOUT: Input should be a finite number"):
        read_settings()


def test_our_images_are_read_as_json_and_a_slip_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_IMAGES", '{"steps": "r.example/slipway/steps:1"}')
    found = read_settings()
    assert found.images == {"steps": "r.example/slipway/steps:1"}
    assert Settings.model_validate(found.model_dump()).images == found.images
    for wrong in ('{"steps": ', '["steps"]', '{"steps": 1}'):
        monkeypatch.setenv("SLIPWAY_IMAGES", wrong)
        with pytest.raises(BadInput, match="SLIPWAY_IMAGES"):
            read_settings()
