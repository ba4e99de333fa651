"""README and the topics of ``mnistcli help`` are true: what they show is what is printed.

``UPDATE_README=1 pytest tests/test_readme.py`` writes the outputs of this version into them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from mnistcli.cli.app import read_command
from mnistcli.cli.topics import read_topic
from mnistcli.errors import MnistCliError
from tests.europeans import draw_europeans

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCUMENTS = (README, *sorted((ROOT / "mnistcli" / "cli" / "help").glob("*.md")))
EXAMPLE = re.compile(
    r"^```console\n\$ (?P<command>[^\n]*)\n(?P<output>.*?)^```$", re.MULTILINE | re.DOTALL
)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = re.compile(r"^```pycon\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def sections(path):
    """The text between second headings; each has a home of its own and can be read alone."""
    return re.split(r"^(?=## )", path.read_text("utf-8"), flags=re.MULTILINE)


def matching(pattern):
    """Every section of a document in which a pattern occurs, by its position."""
    return [
        pytest.param(path, i, id=f"{path.stem}: {section.splitlines()[0].lstrip('# ')}")
        for path in DOCUMENTS
        for i, section in enumerate(sections(path))
        if pattern.search(section)
    ]


def test_every_command_is_in_the_readme():
    from mnistcli.cli.app import app

    text = README.read_text("utf-8")
    commands = list(typer.main.get_command(app).commands)
    assert len(commands) >= 6
    for name in commands:
        assert f"mnistcli {name}" in text


def test_every_topic_is_in_the_readme():
    text = README.read_text("utf-8")
    for path in DOCUMENTS[1:]:
        assert f"`{path.stem}`" in text


def test_what_is_to_be_touched_is_there():
    table = README.read_text("utf-8").partition("| to add | touch |")[2].partition("\n\n")[0]
    paths = re.findall(r"`([\w/]+(?:/|\.(?:py|json|md|toml)))`", table.replace("TOPIC", "json"))
    assert len(paths) > 15
    places = ROOT, ROOT / "mnistcli"
    assert [each for each in paths if not any((place / each).exists() for place in places)] == []


def test_every_option_of_train_is_in_its_topic():
    topic = read_topic("training")
    options = [each for each in read_command("train").params if each.opts[0].startswith("-")]
    shared = ("Output", "Other machines (mnistcli help cluster)")
    names = [each.opts[0] for each in options if each.rich_help_panel not in shared]
    assert len(names) > 20
    assert [name for name in names if not re.search(rf"{name}(?![\w-])", topic)] == []


def test_every_topic_that_is_pointed_to_is_there():
    known = {path.stem for path in DOCUMENTS[1:]}
    for path in DOCUMENTS:
        named = set(re.findall(r"`mnistcli help ([a-z-]+)`", path.read_text("utf-8")))
        assert named <= known, path


def test_every_exit_code_is_in_its_topic_and_in_the_help(invoke):
    text = (ROOT / "mnistcli" / "cli" / "help" / "exit-codes.md").read_text("utf-8")
    shown = " ".join(invoke("--help").out.split())

    def codes(kind):
        yield kind.exit_code
        for child in kind.__subclasses__():
            yield from codes(child)

    for code in set(codes(MnistCliError)):
        assert f"| {code} |" in text
        assert re.search(rf"\b{code} \w", shown)


def masked(output):
    """Without what differs from machine to machine and from day to day."""
    lines = []
    for line in output.splitlines():
        if re.match(r"(Solver|Optimum) ", line):
            line = re.sub(r"\d[\d.e-]*", "N", line)  # noqa: PLW2901
        if line.startswith("Log loss"):
            line = line[:-2]  # noqa: PLW2901 - within the solver's tolerance
        if re.search(r" ms |predict +size|^ ─", line):  # costs; a card has its command
            line = re.sub(r" +", " ", re.sub(r"\d[\d.,]* (m?s|kB)\b", "N", line)).replace("─", "")  # noqa: PLW2901
        lines.append(re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME", line).rstrip())
    return "\n".join(lines).strip()


@pytest.fixture
def newcomer(tmp_path):
    """The environment of somebody who has just installed it."""
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    program = bin_dir / "mnistcli"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mnistcli "$@"\n')
    program.chmod(0o755)
    env = {"HOME": str(tmp_path), "PATH": f"{bin_dir}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    names = ("PYTHONPATH", "OPENBLAS_NUM_THREADS")  # one thread, as the program itself sets it
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {**env, **kept}


@pytest.mark.parametrize(("path", "number"), matching(EXAMPLE))
def test_the_examples_print_what_is_shown(path, number, newcomer, tmp_path):
    parts = sections(path)
    printed = {}
    if path.stem == "own-digits":
        draw_europeans(tmp_path / "drawings")
    for example in EXAMPLE.finditer(parts[number]):
        command = example["command"]
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}"],
            env=newcomer, cwd=tmp_path, capture_output=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, b""), command
        printed[command] = done.stdout.decode().replace(str(tmp_path), "~")
    if os.environ.get("UPDATE_README"):

        def updated(example):
            output = "\n".join(line.rstrip() for line in printed[example["command"]].splitlines())
            return f"```console\n$ {example['command']}\n{output}\n```"

        parts[number] = EXAMPLE.sub(updated, parts[number])
        path.write_text("".join(parts), "utf-8")
        pytest.fail("written anew: look at it, then test without UPDATE_README")
    for example in EXAMPLE.finditer(parts[number]):
        assert masked(example["output"]) == masked(printed[example["command"]]), example["command"]


@pytest.mark.parametrize(("path", "number"), matching(PYTHON))
def test_the_python_examples_run(path, number, newcomer, tmp_path):
    for code in PYTHON.findall(sections(path)[number]):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            env=newcomer, cwd=tmp_path, capture_output=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(("path", "number"), matching(PROMPT))
def test_the_python_prompt_answers_so(path, number, newcomer, tmp_path):
    for i, session in enumerate(PROMPT.findall(sections(path)[number])):
        text = tmp_path / f"{i}.txt"
        text.write_text(session, "utf-8")
        done = subprocess.run(
            [sys.executable, "-P", "-m", "doctest", "-o", "NORMALIZE_WHITESPACE", text],
            env=newcomer, cwd=tmp_path, capture_output=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, b""), done.stdout.decode()
