import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from mnistcli.cli.call import Call
from mnistcli.cli.options import MODEL, command, option, own_dataset_named
from mnistcli.cli.terminal.capabilities import has_light_background
from mnistcli.errors import UsageError
from mnistcli.paths import check_ending


@command("")
def draw(
    call: Call,
    model: str | None = MODEL,
    output: Path | None = option(
        "Where the key s saves it.", "-o", metavar="FILE.png", show_default="digit-1.png, ..."
    ),
    keep: str | None = own_dataset_named("Keys 0 to 9 put it into your dataset, as this digit."),
) -> None:
    if output is not None:
        check_ending(output, (".png",), "write a picture to")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        hint = "mnistcli predict - reads a drawing made of letters"
        raise UsageError("draw needs a terminal", hint=hint)
    if not find_spec("textual"):
        hint = "pip install 'mnistcli[draw]'"
        raise UsageError("draw needs textual, which is not installed", hint=hint)
    loaded = call.model(model)

    from mnistcli.cli.views.draw import DrawingApp

    keeper = partial(call.store().keep, keep) if keep else None
    app = DrawingApp(loaded, output, keeper, is_light=has_light_background())
    app.run()
    call.note(*app.told)
