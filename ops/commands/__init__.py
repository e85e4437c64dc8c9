"""The subcommands of ``patrol``, one file each: see ``ops.__main__`` for how one is added."""

import typer


def command_app(help_text: str | None = None) -> typer.Typer:
    """The Typer application a command's file declares itself on."""
    return typer.Typer(
        help=help_text,
        add_completion=False,  # the parent has it
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        rich_markup_mode="rich",
    )
