"""The README is true: its commands exist, its examples run and print what it shows.

``UPDATE_README=1 pytest tests/test_readme.py`` writes the outputs of this version into it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from mnistcli.errors import MnistCliError

README = Path(__file__).parents[1] / "README.md"
EXAMPLE = re.compile(
    r"^```console\n\$ (?P<command>[^\n]*)\n(?P<output>.*?)^```$", re.MULTILINE | re.DOTALL
)


def the_commands():
    from mnistcli.cli.app import app

    return list(typer.main.get_command(app).commands)


def test_every_command_is_in_the_readme():
    text = README.read_text("utf-8")
    assert len(the_commands()) >= 6
    for name in the_commands():
        assert f"mnistcli {name}" in text


def test_every_exit_code_is_in_the_readme_and_in_the_help(invoke):
    text = README.read_text("utf-8")
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
    return {**env, "OPENBLAS_NUM_THREADS": "2"}


def test_the_examples_print_what_the_readme_shows(newcomer, tmp_path):
    text = README.read_text("utf-8")
    examples = list(EXAMPLE.finditer(text))
    assert len(examples) >= 8
    printed = {}
    for example in examples:
        command = example["command"]
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}"],
            env=newcomer, cwd=tmp_path, capture_output=True, check=False, timeout=300,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, b""), command
        printed[command] = done.stdout.decode().replace(str(tmp_path), "~")
    if os.environ.get("UPDATE_README"):

        def updated(example):
            output = "\n".join(line.rstrip() for line in printed[example["command"]].splitlines())
            return f"```console\n$ {example['command']}\n{output}\n```"

        README.write_text(EXAMPLE.sub(updated, text), "utf-8")
        pytest.fail("the README was written anew: look at it, then test without UPDATE_README")
    for example in examples:
        assert masked(example["output"]) == masked(printed[example["command"]]), example["command"]


def test_the_python_example_runs(newcomer, tmp_path):
    text = README.read_text("utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=newcomer, cwd=tmp_path, capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
