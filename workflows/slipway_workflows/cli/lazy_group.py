"""A group of commands that imports a command only when it is called, so that `--help` is quick."""

import click


class LazyGroup(click.Group):
    """A click group whose commands are named as `module:function`, each with its line of the help."""

    commands_at: dict[str, str]
    summaries: dict[str, str]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands in the order of the help."""
        return list(self.commands_at)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now; None where there is none."""
        if cmd_name not in self.commands_at:
            return None
        import importlib

        module, name = self.commands_at[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))
