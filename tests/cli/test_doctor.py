from __future__ import annotations

import json
import re

import pytest


@pytest.fixture(autouse=True)
def a_model(invoke):
    assert invoke("train", "--task", "0v1", "--limit", "100", "-q").code == 0


def test_the_table_names_everything(run, home):
    done = run("doctor", env={"TERM": "xterm"})
    assert (done.code, done.err) == (0, "")
    names = [line[:12].strip() for line in done.out.splitlines() if not line.startswith(" ")]
    assert names == [
        "Verdict", "Python", "System", "Versions", "Datasets", "Own digits",
        "Features", "Models", "Terminal",
    ]  # fmt: skip
    for words in (
        "Verdict     healthy\n", "mnistcli 0.", "mnist: whole\n",
        "kmnist: not installed\n", "2 whole\n", "not a terminal, ", "TERM=xterm\n",
        "no graphics: shade for one picture, braille for several\n",
    ):  # fmt: skip
        assert words in done.out


def test_markdown_is_a_table_without_the_name_of_the_user(invoke, tmp_path):
    done = invoke("doctor", "--format", "markdown", env={"HOME": str(tmp_path), "COLUMNS": "40"})
    lines = done.out.splitlines()
    assert lines[:3] == ["| what | value |", "| --- | --- |", "| Verdict | healthy |"]
    assert all(re.fullmatch(r"\| [A-Za-z ]* \| .* \|", line) for line in lines[2:])
    assert "| Models | ~/home/models: writable" in done.out
    assert str(tmp_path) not in done.out
    assert str(tmp_path) not in invoke("doctor", "--json", env={"HOME": str(tmp_path)}).out


def test_a_pipe_in_a_path_stays_in_its_cell(invoke, tmp_path):
    home = tmp_path / "a|b<i>"
    out = invoke("doctor", "--format", "markdown", env={"MNISTCLI_HOME": str(home)}).out
    assert "a\\|b\\<i\\>/models: can be made" in out


def test_damage_is_named_and_ends_with_4(invoke, home):
    path = home / "models" / "0v1" / "1.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    done = invoke("doctor")
    assert done.code == 4
    assert "Verdict     damaged: 0v1@1\n" in done.out
    assert re.search(r"^ +0v1@1: damaged: .*sha256", done.out, re.MULTILINE)
    error, hint = done.err.splitlines()
    assert error == "error: damaged: 0v1@1"
    assert "mnistcli models rm" in hint
    assert invoke("doctor", "-q").out == "0v1@1\n"
    found = json.loads(invoke("doctor", "--json").out)
    assert found["damaged"] == ["0v1@1"]
    assert found["models"]["damaged"][0]["model"] == "0v1@1"


def test_quiet_and_tab_separated(invoke):
    assert invoke("doctor", "-q").out == "healthy\n"
    rows = [line.split("\t") for line in invoke("doctor", "--tsv").out.splitlines()]
    assert rows[0] == ["what", "value"]
    assert ["Datasets", "mnist: whole"] in rows
    assert invoke("doctor", "--format", "markdown", "--json").code == 2


def test_where_nothing_can_be_kept_the_verdict_says_so(invoke, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MNISTCLI_HOME", str(tmp_path / "file"))
    first = invoke("doctor").out.splitlines()[0]
    assert first == "Verdict     whole, but nothing can be kept in datasets, features, models, own"
    assert first.endswith(invoke("doctor", "-q").out.rstrip())
