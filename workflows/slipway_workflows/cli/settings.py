"""The settings of one call of `slipway`."""

import click

from slipway_steps.settings import Settings, read_settings


def current_settings() -> Settings:
    """The settings that the program read when it was called; outside of a command, those of the environment."""
    context = click.get_current_context(silent=True)
    found = context.find_object(Settings) if context is not None else None
    return found if found is not None else read_settings()
