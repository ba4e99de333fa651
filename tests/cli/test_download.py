"""The command; what it does is tested in tests/datasets."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from mnistcli.cli.output import Output
from mnistcli.cli.views.download import InstallationView
from mnistcli.datasets.sources import BUNDLE

SHA256 = "934aebce81fe4a4fcd7e9b2a2a27fe61eb10b8edcca7d27f11b074cda51fe896"


@pytest.fixture
def empty_home(home):
    (home / "datasets").unlink()
    return home


def test_download_installs_from_the_box_and_says_what(invoke, empty_home):
    document = json.loads(invoke("download", "--json").out)
    assert document["source"] == "bundled"
    assert document["sha256"] == SHA256
    assert [file["shape"] for file in document["files"]] == [
        [60000, 28, 28], [60000], [10000, 28, 28], [10000],
    ]  # fmt: skip
    assert not document["already_there"]
    out = invoke("download").out
    assert "mnist, was there already" in out
    assert SHA256 in out
    assert "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757" in out


def test_check_finds_a_flipped_byte_and_the_next_download_mends_it(invoke, empty_home):
    invoke("download")
    assert "checked: every byte is as it should be" in invoke("download", "--check").out
    path = empty_home / "datasets" / "mnist" / "train-images.npy"
    content = bytearray(path.read_bytes())
    content[12345] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    done = invoke("download", "--check")
    assert (done.code, done.out) == (4, "")
    assert "train-images" in done.err
    assert invoke("download").code == 0
    assert invoke("download", "--check").code == 0


def test_check_of_what_is_not_there(invoke, empty_home):
    done = invoke("download", "--check")
    assert (done.code, done.out) == (3, "")
    assert "mnistcli download" in done.err


def test_a_folder_of_idx_files_is_a_source(invoke, empty_home, tmp_path):
    for file in BUNDLE.glob("*.gz"):
        shutil.copy(file, tmp_path)
    document = json.loads(invoke("download", "--source", str(tmp_path), "--json").out)
    assert (document["source"], document["sha256"]) == ("path", SHA256)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--source", "/nonexistent"], 3),
        (["--source", "gopher://x"], 2),
        (["--dataset", "cifar"], 2),
        (["--check", "--force"], 2),
        (["--dataset", "fashion-mnist", "--source", "bundled"], 3),
    ],
    ids=str,
)
def test_what_cannot_be(invoke, arguments, code):
    done = invoke("download", *arguments)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("error: ")


def test_sources_that_failed_before_one_answered_are_shown(store, capsys):
    failures = (("https://a.example/x", "HTTP 503"), ("https://b.example/x", "no answer"))
    view = InstallationView(replace(store.install("mnist"), failures=failures), checked=False)
    Output().emit(view)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines if "example" in line] == [
        ["Failed", "https://a.example/x:", "HTTP", "503"],
        ["Failed", "https://b.example/x:", "no", "answer"],
    ]
    Output("json").emit(view)
    assert json.loads(capsys.readouterr().out)["failures"] == [
        {"source": source, "reason": reason} for source, reason in failures
    ]
