"""The settings that a command of `slipway` works with."""

import click

from slipway_steps.settings import Settings, read_settings


def current_settings() -> Settings:
    """The settings that the program has read at its start; outside of a command they are read from the environment."""
    context = click.get_current_context(silent=True)
    found = context.find_object(Settings) if context is not None else None
    return found if found is not None else read_settings()
