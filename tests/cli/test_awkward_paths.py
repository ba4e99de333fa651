"""Paths that the system refuses to look at: one line and an exit code, whichever option names them."""

from __future__ import annotations

import pytest

LONG = "a" * 300


@pytest.fixture(autouse=True)
def places(invoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert invoke("train", "--task", "0v1", "--limit", "50", "-q").code == 0
    (tmp_path / "loop").symlink_to("loop")


@pytest.mark.parametrize("place", [LONG, "loop", "loop/x"], ids=["long", "loop", "below a loop"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("predict", "{}.png"), 6),
        (("predict", "{}"), 6),
        (("show", "{}.png"), 6),
        (("evaluate", "--data", "{}"), 3),
        (("evaluate", "./{}.safetensors"), 3),
        (("models", "info", "./{}"), 3),
        (("download", "--source", "./{}"), 3),
        (("report", "-o", "{}/r.html"), 3),
        (("models", "export", "--to", "json", "-o", "{}/m.json"), 3),
        (("--home", "{}", "models", "list"), 3),
        (("--home", "{}", "train", "--task", "0v1", "--limit", "50"), 3),
        (("--home", "{}", "doctor"), 4),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_path_that_cannot_be_looked_at(invoke, tmp_path, arguments, code, place):
    if place != LONG:  # a suffix would make another name of it
        arguments = tuple(
            word.replace("{}.png", "{}").replace("{}.saf", "{}/.saf") for word in arguments
        )
    done = invoke(*(word.format(place) for word in arguments))
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert (done.code, len(errors)) == (code, bool(code)), done
    if code == 3:
        problem = "File name too long" if place == LONG else "Too many levels of symbolic links"
        assert problem in errors[0]
    assert ("--home FOLDER" in done.err) == (code == 3 and arguments[0] == "--home")
