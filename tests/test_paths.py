"""Where things live, and what is said where that cannot be told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mnistcli.errors import StorageError
from mnistcli.paths import find_places


@pytest.mark.parametrize("home", [Path("~/there"), None])
def test_a_tilde_is_the_home_directory(home, tmp_path):
    environ = {"MNISTCLI_HOME": "~/there"}
    expected = Path("~/there").expanduser()
    assert find_places(home, environ).models_dir == expected / "models"


def test_a_relative_home_starts_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_places(Path("rel")).datasets_dir == tmp_path / "rel" / "datasets"


def test_a_user_that_is_not_there(invoke):
    for arguments in (("--home", "~nobody-such/x", "models", "list"), ("models", "list")):
        done = invoke(*arguments, env={"MNISTCLI_HOME": "~nobody-such/x"})
        assert (done.code, done.out) == (3, "")
        assert done.err.splitlines() == [
            "error: cannot use ~nobody-such/x: there is no user nobody-such",
            "hint: choose another place with --home FOLDER or MNISTCLI_HOME=FOLDER",
        ]


@pytest.mark.skipif(os.name == "nt", reason="a folder in use cannot be removed there")
def test_a_working_folder_that_is_gone(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(StorageError, match="cannot use rel: the working folder is not there"):
        find_places(Path("rel"))
    assert find_places(tmp_path).models_dir == tmp_path / "models"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("predict",), 6),
        (("evaluate", "builtin", "--data"), 3),
        (("download", "--as", "mine", "--source"), 2),
    ],
)
def test_nothing_is_fetched_from_an_address_and_that_is_told(invoke, arguments, code):
    done = invoke(*arguments, "https://example.org/digits.csv")
    assert done.code == code
    assert "hint: nothing is fetched from there: download the file and name it" in done.err
