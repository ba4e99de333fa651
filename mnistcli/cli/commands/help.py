"""``mnistcli help``."""

import sys
from typing import Annotated, Any

import typer

from mnistcli.cli import completion
from mnistcli.cli.output import drawn, write
from mnistcli.cli.parsing import did_you_mean, write_sections
from mnistcli.errors import UsageError


def help(  # noqa: A001 - the command's name
    ctx: typer.Context,
    about: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND|TOPIC]",
            autocompletion=completion.help_words,
            help="Nothing: the list of them.",
        ),
    ] = None,
    man: Annotated[bool, typer.Option("--man", help="All of it, as a manual page.")] = False,
) -> None:
    """Show the help of a command, or about a topic: exit-codes, json and others.

    Examples:

      mnistcli help

      mnistcli help train

      mnistcli help models export

      mnistcli help json

      mnistcli help --man > mnistcli.1
    """
    from mnistcli.cli import topics

    root: Any = ctx.find_root()
    titles = topics.topics()
    if man:
        from mnistcli.cli.man import man_page

        write("\n".join(man_page(root)) + "\n")
        return
    if not about:
        formatter = ctx.make_formatter()
        write_sections(formatter, (("Topics (mnistcli help TOPIC)", row) for row in titles.items()))
        write(f"{root.get_help()}\n\n{formatter.getvalue()}")
        return
    is_topic = about[0] in titles and len(about) == 1
    if about[0] in root.command.commands:
        try:
            root.command.main([*about, "--help"], prog_name=root.info_name)
        except SystemExit as end:
            if end.code or not is_topic:
                raise
            write("\n")  # a topic of that name says more
    if is_topic:
        text = topics.read_topic(about[0])
        if not _is_read_by_a_person():
            write(text)
            return
        for part in drawn(lambda console: [topics.drawn_topic(text, console)]):
            write(part)
    else:
        known = [*root.command.commands, *titles]
        raise UsageError(
            f"there is no command and no topic {' '.join(about)!r}",
            hint=did_you_mean(about[0], known) or f"topics are {', '.join(titles)}",
        )


def _is_read_by_a_person() -> bool:
    return sys.stdout.isatty()
