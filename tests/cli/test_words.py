"""Words from outside are shown as words, wherever they stand."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import socket
import threading
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rich.text import Text

from mnistcli import SplitSpec, TrainingSettings, train
from mnistcli.cli import progress
from mnistcli.cli.call import Call
from mnistcli.cli.terminal.console import PlainConsole
from mnistcli.cli.words import json_safe, markdown, visible, visible_lines
from mnistcli.registry.model_file import Model, encode_model


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("seven.png", "seven.png"),
        ("日本 ñ 👍 C:\\x", "日本 ñ 👍 C:\\x"),
        ("9.41\u202fAM\xa0\u3000", "9.41\u202fAM\xa0\u3000"),
        ("a\x1b[31mb\x07\r\n\tc\x7f", r"a\x1b[31mb\x07\r\n\tc\x7f"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202e\u2066\u200f\u061c\ufeff\u2028", r"\u202e\u2066\u200f\u061c\ufeff\u2028"),
        ("\U000e0041", r"\U000e0041"),
        (os.fsdecode(b"bad\xff\xfe.png"), r"bad\xff\xfe.png"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_cannot_be_printed_is_written_out(text, shown):
    assert visible(text) == shown
    assert json.loads(json_safe(json.dumps(text, ensure_ascii=False))) in (text, shown)


@given(st.text(st.characters(codec=None)))
def test_no_text_hides_or_moves_anything(text):
    shown = visible(text)
    assert visible(shown) == shown
    assert all(c.isprintable() or unicodedata.category(c) == "Zs" for c in shown)
    assert visible_lines(text).count("\n") == text.count("\n")
    document = json_safe(json.dumps([text, "\n"], ensure_ascii=False, indent=1))
    assert document.encode("utf-8").decode("utf-8") == document
    assert all(c.isprintable() or c == "\n" or unicodedata.category(c) == "Zs" for c in document)
    expected = "".join(visible(c) if unicodedata.category(c) == "Cs" else c for c in text)
    assert json.loads(document) == [expected, "\n"]


def test_markdown_is_text():
    assert markdown("a|b <i>\n`c` [d](e) _f_") == r"a\|b \<i\> \`c\` \[d\](e) \_f\_"
    assert markdown("http://x www.y &lt; ~~z~~") == r"http\://x www\.y \&lt; \~\~z\~\~"
    assert markdown("~/x86_64/seven.png, 0v1@2") == "~/x86_64/seven.png, 0v1@2"


# --- every command ------------------------------------------------------------------------------

# Markup of rich, emoji codes, a link, HTML, Markdown, a title, colours in 8 bits, text turned
# around, line ends, an invisible character and a byte that is no UTF-8: no slash, so that a file can be called so.
NASTY = (
    "[bold]w[old]:smile:[link=x]<b>|`_*\x1b]0;t\x07\x9b31m\u202e\u2028\r\n\t\u200b"
    + os.fsdecode(b"\xff")
)
# With a slash, for what is no file name; in a path it makes a folder "...[" and a file "b]".
CLOSING = f"{NASTY}[/b]"
SHOWN = "[bold]w[old]:smile:[link=x]<b>|`_*\\x1b]0;t\\x07\\x9b31m\\u202e"
WHOLE = f"{SHOWN}\\u2028\\r\\n\\t"


@pytest.fixture(scope="module")
def nasty(tmp_path_factory, store):
    """A folder whose name, files and models are all nasty."""
    folder = tmp_path_factory.mktemp("nasty") / f"{CLOSING}"
    folder.mkdir(parents=True)
    home = folder / "home"
    home.mkdir()
    (home / "datasets").symlink_to(store.folder)
    model = train("0v1", store.open("mnist"), TrainingSettings(split=SplitSpec(limit=50))).model
    card = replace(
        model.card,
        command=f"{CLOSING}<script>",
        versions={CLOSING: CLOSING},
        certificate={**model.card.certificate, CLOSING: CLOSING},
        metrics={**model.card.metrics, CLOSING: CLOSING},
    )
    for name, forged in ((NAME, card), ("elsewhere", replace(card, dataset=CLOSING))):
        path = home / "models" / name / "1.safetensors"
        path.parent.mkdir(parents=True)
        path.write_bytes(encode_model(Model(model.classifier, forged), f"{name}@1"))
    shutil.copy(home / "models" / "m" / "1.safetensors", folder / f"copy of {NASTY}.safetensors")
    (home / "models" / "damaged").mkdir()
    (home / "models" / "damaged" / "1.safetensors").write_bytes(b"[/b]")
    digit = store.open("mnist").test.images[7]
    pictures = folder / "pictures"
    pictures.mkdir()
    Image.fromarray(digit).save(pictures / f"{NASTY}.png")
    (pictures / f"{NASTY} bad.png").write_bytes(b"no picture")
    pixels = ",".join(map(str, digit.ravel()))
    (folder / f"{NASTY}.csv").write_text(f"0,{pixels}\n1,{pixels}\n")
    (folder / f"{NASTY} labels.csv").write_text(
        f'"{CLOSING.encode(errors="replace").decode()}",{pixels}\n' * 2, "utf-8", newline=""
    )
    (folder / f"{NASTY} cells.csv").write_text(
        f"0,{pixels}\n1,{pixels[:-1]}\x1b[/b]\u202e\n", "utf-8"
    )
    return folder


NAME = "m"
PATHS = {
    "PNG": "pictures/{}.png", "BAD": "pictures/{} bad.png", "CSV": "{}.csv", "OUT": "out/{}",
    "LABELS": "{} labels.csv", "CELLS": "{} cells.csv", "GONE": "{} gone", "MODEL": "copy of {}.safetensors",
}  # fmt: skip
COMMANDS = [
    ("predict", "PNG"), ("predict", "PNG", "BAD"), ("predict", "pictures"), ("predict", "BAD"),
    ("predict", "CSV"), ("predict", "CELLS"), ("predict", "GONE"), ("predict", "PNG", "-m", "MODEL"),
    ("predict", "PNG", "--show", "--explain"), ("predict", "PNG", "--output", "OUT.png"),
    ("predict", "--files0", "GONE"), ("predict", "PNG", "-m", "GONE"), ("predict", "-i", "7", "-m", "elsewhere"),
    ("show", "PNG"), ("show", "PNG", "--output", "OUT.png"), ("show", "BAD"), ("show", "--weights", "MODEL"),
    ("evaluate", "MODEL"), ("evaluate", "--data", "CSV"), ("evaluate", "--data", "LABELS"),
    ("evaluate", "--data", "CELLS"), ("evaluate", "elsewhere"), ("evaluate", "--mistakes", "2", "-o", "OUT.png"),
    ("evaluate", "MODEL", "--fail-under", "accuracy=1"), ("evaluate", "--fail-under", "[/b]\x1b=1"),
    ("compare", "m", "MODEL"), ("compare", "m", "elsewhere"), ("compare", "m", "m", "--data", "CSV"),
    ("models", "list"), ("models", "info"), ("models", "info", "elsewhere"), ("models", "info", "MODEL"),
    ("models", "path"), ("models", "path", "m"), ("models", "list", "WORD"), ("models", "info", "damaged"),
    ("models", "tag", "m@1", "WORD"), ("models", "rm", "WORD@1", "--yes"),
    ("models", "export", "m", "--to", "json", "--force", "-o", "OUT.json"), ("models", "reproduce", "elsewhere"),
    ("report", "-o", "OUT.html"), ("report", "-o", "OUT.md"), ("report", "-o", "OUT.nasty"),
    ("report", "m", "elsewhere", "-o", "OUT.html"), ("report", "m", "WORD"),
    ("doctor"), ("doctor", "--format", "markdown"), ("download",), ("download", "--dataset", "WORD"),
    ("download", "--source", "GONE"), ("download", "--source", "CSV", "--force"), ("download", "--check"),
    ("train", "0v1", "--limit", "50", "--name", "t"), ("train", "WORD"), ("train", "0v1", "--name", "WORD"),
    ("train", "0v1", "--C", "WORD"), ("train", "0v1", "--penalty", "WORD"), ("train", "0v1", "--cv", "WORD"),
    ("train", "--[bold]\x1b\u202e"), ("WORD",), ("help", "WORD"), ("predict", "--index", "WORD"), ("completion", "WORD"),
]  # fmt: skip
FORMATS = ["", "--json", "--jsonl", "--tsv", "-q"]


def check_printed(text):
    """Nothing but what can be printed, line by line."""
    for line in text.split("\n"):
        assert visible(line) == line, ascii(line)
    assert "\U0001f604" not in text  # :smile:


@pytest.mark.promise("Words", "commands with nasty words in every format")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_nasty_words_are_shown_as_words(invoke, nasty, monkeypatch, command):
    monkeypatch.chdir(nasty)
    (nasty / "out").mkdir(exist_ok=True)
    env = {"MNISTCLI_HOME": str(nasty / "home"), "TERM": CLOSING, "COLUMNS": "4000"}

    def filled(word):
        head, dot, tail = word.partition(".")
        word = PATHS.get(head, head).format(NASTY) + dot + tail
        return word.replace("WORD", CLOSING)

    arguments = [filled(word) for word in command]
    is_about_words = arguments != list(command)
    for flag in FORMATS:
        done = invoke(*arguments, *([flag] if flag else []), env=env)
        check_printed(done.out.replace("\t", "") if flag == "--tsv" else done.out)
        check_printed(done.err)
        assert done.code in range(9), (done.code, done.err)
        assert done.code != 1
        if flag == "--json" and done.code == 0:
            json.loads(done.out)
        for line in done.err.splitlines() if flag in ("--json", "--jsonl") else ():
            if line.startswith("{"):
                json.loads(line)
        unnamed = {"OUT.png", "markdown", "--weights"}  # what is drawn, or escaped
        if flag == "" and is_about_words and unnamed.isdisjoint(command):
            assert SHOWN in done.out + done.err, (done.out, done.err)
            assert done.out.count(SHOWN) == done.out.count(WHOLE), done.out  # on one line


@pytest.mark.promise("Words", "reports")
@pytest.mark.parametrize("model", ["m", f"./copy of {NASTY}.safetensors"])
@pytest.mark.parametrize("suffix", ["html", "md"])
def test_nasty_words_are_text_in_reports(invoke, nasty, monkeypatch, suffix, model):
    monkeypatch.chdir(nasty)
    done = invoke("report", model, "-o", f"r.{suffix}", env={"MNISTCLI_HOME": str(nasty / "home")})
    assert done.code == 0, done.err
    text = (nasty / f"r.{suffix}").read_text("utf-8")
    check_printed(text.replace("\t", ""))
    assert "<script" not in text.replace("\\<", "")
    assert suffix == "html" or not re.search(r"(?<!\\)<b|(?<!\\)`(?!``)\S", text.replace("```", ""))
    assert r"\x1b]0;t\x07" in text.replace("\\\\", "\\").replace("\\]", "]")
    if suffix == "html":
        assert "&lt;script&gt;" in text


@pytest.mark.parametrize("flag", ["--tsv", "--json"])
def test_nasty_words_of_a_server(invoke, flag):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(
                    b"HTTP/1.1 404 [/b]\x1b[31m\x9b[bold]\r\nContent-Length: 0\r\n\r\n"
                )

        threading.Thread(target=answer, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        done = invoke("download", "--dataset", "kmnist", "--source", url, flag)
    assert done.code == 3
    check_printed(done.err)
    assert "[/b]" in done.err


def test_nasty_words_in_bars(monkeypatch):
    """A bar says what it is given: a name, an address."""
    monkeypatch.setattr(progress, "PATIENCE_S", 0.0)
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "400")
    with progress.Bars(Call()) as shown:
        shown.update(CLOSING, 1, 2)
        shown.update(CLOSING, 2, 2)
    written = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", terminal.getvalue())
    assert written.count(visible(CLOSING)) >= 1
    check_printed(written)


def test_a_console_writes_neither_links_nor_what_cannot_be_printed():
    """Not even where a view hands over a text of its own, with a style of its own."""
    page = io.StringIO()
    console = PlainConsole(file=page, force_terminal=True, color_system="truecolor", width=80)
    console.print(Text("a\x1b]8;;x\u202eb\nc", style="link https://example.org"), Text("d", "bold"))
    assert page.getvalue() == "a\\x1b]8;;x\\u202eb\nc \x1b[1md\x1b[0m\n"
