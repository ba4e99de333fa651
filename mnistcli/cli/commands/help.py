import sys
from typing import Any

import typer

from mnistcli.cli import completion
from mnistcli.cli.options import argument, option
from mnistcli.cli.output import write
from mnistcli.cli.parsing import write_sections
from mnistcli.errors import UsageError
from mnistcli.paths import did_you_mean


def help(  # noqa: A001 - the command's name
    ctx: typer.Context,
    about: list[str] | None = argument(
        "Nothing: their list.", metavar="[COMMAND|TOPIC]", autocompletion=completion.help_words
    ),
    man: bool = option("All of it, as a manual page.", "--man", default=False),
) -> None:
    from mnistcli.cli import topics

    root: Any = ctx.find_root()
    titles = topics.topics()
    if man:
        write("\n".join(topics.man_page(root)) + "\n")
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
    if not is_topic:
        known = [*root.command.commands, *titles]
        hint = did_you_mean(about[0], known) or f"topics are {', '.join(titles)}"
        raise UsageError(f"there is no command and no topic {' '.join(about)!r}", hint=hint)
    text = topics.read_topic(about[0])
    if sys.stdout.isatty():
        from mnistcli.cli.terminal.console import to_text

        text = "".join(to_text(lambda console, _: [topics.drawn_topic(text, console)]))
    write(text)
