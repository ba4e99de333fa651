"""The manual page: built from the commands and the topics, and proper roff."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from mnistcli.cli.app import COMMANDS, read_command
from mnistcli.cli.topics import _roff, _text, topics


@pytest.fixture
def page(invoke):
    done = invoke("help", "--man")
    assert (done.code, done.err) == (0, "")
    return done.out


def commands(command, path):
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{path} {name}")


def test_every_command_option_and_topic_is_in_it(page):
    sections = dict(
        re.findall(r'(?ms)^\.SS "(mnistcli[^"]*?)(?: \[OPTIONS\][^"]*)?"\n(.*?)(?=^\.S[SH])', page)
    )
    for name in (name for texts in COMMANDS.values() for name in texts):
        for path, command in commands(read_command(name), f"mnistcli {name}"):
            for parameter in command.params:
                if parameter.param_type_name == "option":
                    assert (
                        parameter.opts[0].replace("-", "\\-") in sections[path.replace("-", "\\-")]
                    )
    assert ".B \\-\\-preset fast|better|best\n" in page
    for title in topics().values():
        assert f'.SH "{_text(title)}"' in page
    for words in (
        ".B 10\na cluster cannot be reached",
        ".B MNISTCLI_HOME\n",
        "~/.config/mnistcli",
    ):
        assert words in page


def test_it_is_ascii_and_nothing_in_it_is_a_macro_by_chance(page):
    assert page.isascii()
    macros = {line.split()[0] for line in page.splitlines() if line.startswith((".", "'"))}
    assert macros == {".TH", ".SH", ".SS", ".TP", ".B", ".PP", ".EX", ".EE", ".IP"}
    assert not re.search(r"\*\*|```", page)


def test_markdown_becomes_roff():
    text = "# A b\n\nOne `two`\n\\n **three**.\n\n```sh\n.x -y  'z'\n```\n\n- a\n  b\n- c\n\n| k | v |\n| --- | --- |\n| é | d |\n"
    assert [*_roff(text)] == [
        '.SH "A b"', "One two \\en three.", ".PP", ".EX", "\\&.x \\-y  'z'", ".EE",
        ".IP \\(bu 2", "a b", ".IP \\(bu 2", "c", ".TP", ".B \\[u00E9]", "d",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "checker", [("mandoc", "-Tlint", "-Wwarning"), ("groff", "-Tutf8", "-man", "-ww", "-z", "-P-c")]
)
def test_those_who_read_such_pages_find_nothing_wrong(page, checker, tmp_path):
    if shutil.which(checker[0]):
        (tmp_path / "mnistcli.1").write_text(page)
        done = subprocess.run(
            [*checker, "mnistcli.1"], cwd=tmp_path, capture_output=True, check=False
        )
        said = done.stdout + done.stderr
        assert not [line for line in said.splitlines() if b"cannot adjust line" not in line]
