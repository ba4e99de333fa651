"""--verbose tells on stderr what is done; stdout stays as it is."""

from __future__ import annotations

import re


def test_it_tells_stages_and_versions(invoke):
    train = ("train", "0v1", "--limit", "100", "--features", "deskew")
    done = invoke(*train, "--verbose")
    assert done.code == 0
    lines = done.err.splitlines()
    assert all(re.match(r" *\d+\.\d\d s  \S", line) for line in lines)
    said = [line.partition(" s  ")[2] for line in lines]
    assert re.fullmatch(r"mnistcli \S+, Python \S+", said[0])
    assert "fit" in said
    assert said[-1] == "done"
    times = [float(line.split()[0]) for line in lines]
    assert times == sorted(times)
    evaluation = invoke("evaluate", "-v", "--tsv")
    assert evaluation.err.endswith("done\n")
    assert evaluation.out == invoke("evaluate", "--tsv").out


def test_it_contradicts_quiet(invoke):
    done = invoke("models", "list", "-q", "-v")
    assert (done.code, done.out) == (2, "")
    assert "--quiet and --verbose exclude each other" in done.err


def test_words_from_outside_are_text(invoke, home):
    home.mkdir(exist_ok=True)
    (home / "defaults.toml").write_text('cluster = "\\u001b[31m"\n')
    done = invoke("train", "0v1", "--limit", "20", "--no-save", "-v")
    assert done.code == 2
    assert "--cluster \\x1b[31m is your default" in done.err
    assert "\x1b" not in done.err
