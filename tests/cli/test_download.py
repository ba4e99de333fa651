"""The command; what it does is tested in tests/datasets."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnistcli.cli.call import Call
from mnistcli.cli.views.download import installation_answer
from mnistcli.datasets.sources import BUNDLE
from tests.containers import making
from tests.europeans import draw_europeans

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
    view = installation_answer(replace(store.install("mnist"), failures=failures), checked=False)
    Call().emit(view)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines if "example" in line] == [
        ["Failed", "https://a.example/x:", "HTTP", "503"],
        ["Failed", "https://b.example/x:", "no", "answer"],
    ]
    Call(format="json").emit(view)
    assert json.loads(capsys.readouterr().out)["failures"] == [
        {"source": source, "reason": reason} for source, reason in failures
    ]


# ------------------------------------------------------------------------------------ own digits


@pytest.fixture
def drawings(tmp_path):
    return draw_europeans(tmp_path / "drawings", 5)


def test_labels_that_builtin_reads_otherwise_are_doubted(invoke, tmp_path, store):
    images, labels = store.open().test.images[:600], store.open().test.labels[:600]
    shown = (
        "builtin reads {} of 160 images as they are labelled; see mnistcli show --suspects builtin"
    )
    for wrong, doubt in ((labels, ""), ((labels + 1) % 10, shown.format(0))):
        np.savez(tmp_path / "m.npz", images=images, labels=wrong)
        done = invoke(
            "download", "--source", str(tmp_path / "m.npz"), "--as", "m", "--replace", "-q"
        )
        assert done.code == 0
        assert done.err == (f"warning: {doubt} --dataset m\n" if doubt else "")
    assert invoke(*doubt.partition("mnistcli ")[2].split(), "--dataset", "m", "-q").code == 0
    np.savez(tmp_path / "m.npz", images=images[:9], labels=(labels[:9] + 1) % 10)
    done = invoke("download", "--source", str(tmp_path / "m.npz"), "--as", "m", "--replace", "-q")
    assert (done.code, done.err) == (0, "")


def test_of_thousands_that_are_left_out_for_one_reason_some_are_named(invoke, tmp_path):
    labels = [0, 7, *range(10, 34)]
    (tmp_path / "letters.csv").write_bytes(making.table([labels, *[labels] * 784], making.KAGGLE))
    done = invoke("download", "--source", str(tmp_path), "--as", "mine", "--raw", "--json")
    *warnings, more, _ = done.err.splitlines()
    assert len(warnings) == 20
    assert warnings[-1].endswith(
        "letters.csv row 22: its label is 29, expected a digit from 0 to 9"
    )
    assert more == "warning: and 4 more like these: see --json"
    assert len(json.loads(done.out)["failures"]) == 24
    assert done.code == 7


def test_own_drawings_become_a_dataset_that_can_be_used(invoke, drawings, home):
    (drawings / "7_bad.png").write_bytes(b"nonsense")
    done = invoke("download", "--source", str(drawings), "--as", "mine", "--json")
    assert done.code == 7
    warning, error = done.err.splitlines()
    assert warning.startswith(f"warning: {drawings}/7_bad.png: ")
    assert json.loads(error)["error"]["message"] == "1 left out, 10 images installed"
    document = json.loads(done.out)
    assert document["failures"] == [
        {"source": f"{drawings}/7_bad.png", "reason": warning.partition("png: ")[2]}
    ]
    assert [file["shape"][0] for file in document["files"]] == [8, 8, 2, 2]
    assert document["origin"] == str(drawings)
    out = invoke("download", "--source", str(drawings), "--as", "mine", "--replace").out
    assert "Images    8 for training, 2 for the test\nLeft out  1 that cannot be used" in out
    assert "mine, was there already" in invoke("download", "--dataset", "mine").out
    assert "every byte is as it should be" in invoke("download", "--dataset", "mine", "--check").out
    done = invoke("download", "--dataset", "mine", "--force")
    assert (done.code, "mine is a dataset of your own" in done.err) == (2, True)
    listed = json.loads(invoke("download", "--list", "--json").out)["datasets"]
    assert listed[0]["n_train"] == 60_000
    assert listed[-1].pop("installed_at").startswith("20")
    assert listed[-1] == {
        "name": "mine", "title": "mine", "state": "own", "licence": None, "n_train": 8, "n_test": 2,
        "digits": [0, 5, 0, 0, 0, 0, 0, 5, 0, 0], "origin": str(drawings),
    }  # fmt: skip
    assert invoke("download", "--list", "-q").out.split()[-1] == "mine"
    (picture,) = json.loads(invoke("show", "0", "--dataset", "mine", "--json").out)["pictures"]
    assert picture["label"] in (1, 7)
    health = json.loads(invoke("doctor", "--json").out)["datasets"][-1]
    assert health == {"name": "mine", "state": "whole", "problem": ""}
    invoke("train", "1v7", "--limit", "200", "-q")
    judged = json.loads(invoke("evaluate", "--dataset", "mine", "--json").out)
    assert (judged["on"], judged["n_samples"]) == ("mine test", 2)
    assert ", mine" in invoke("train", "1v7", "--dataset", "nothing").err
    assert [path.name for path in (home / "own").glob("[a-z]*")] == ["mine"]


def test_own_digits_come_through_a_pipe(invoke, tmp_path, mnist):
    part = {"x_train": mnist.train.images[:30], "y_train": mnist.train.labels[:30]}
    np.savez(tmp_path / "d.npz", **part, x_test=part["x_train"][:7], y_test=part["y_train"][:7])
    piped = (tmp_path / "d.npz").read_bytes()
    done = invoke("download", "--source", "-", "--as", "f", "--json", stdin=piped)
    document = json.loads(done.out)
    assert [file["shape"][0] for file in document["files"]] == [30, 30, 7, 7]
    assert (document["origin"], document["n_bytes_read"]) == ("standard input", len(piped))
    rows = np.column_stack([mnist.train.labels[:30], mnist.train.images[:30].reshape(30, -1)])
    np.savetxt(tmp_path / "d.csv", rows, "%d", ",")
    archive = shutil.make_archive(str(tmp_path / "d"), "zip", tmp_path, "d.csv")
    for path in (tmp_path / "d.csv", Path(archive)):
        piped = path.read_bytes()
        done = invoke("download", "--source", "-", "--as", path.suffix[1:], "--json", stdin=piped)
        assert sum(file["shape"][0] for file in json.loads(done.out)["files"]) == 60
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cp", tmp_path / "d.csv", tmp_path / "pipe"]):
        done = invoke("download", "--source", str(tmp_path / "pipe"), "--as", "p")
    assert "Source   path\n" in done.out  # whose bytes nobody counts
    for stdin, code, message in ((b"", 4, "is empty"), (b"\x89PNG\r\n", 4, "-")):
        done = invoke("download", "--source", "-", "--as", "g", stdin=stdin)
        assert (done.code, done.out, done.err.count("error: ")) == (code, "", 1)
        assert message in done.err


def test_where_a_model_s_dataset_is_gone(invoke, drawings):
    invoke("download", "--source", str(drawings), "--as", "mine", "-q")
    invoke("train", "1v7", "--dataset", "mine", "-q")
    invoke("download", "--remove", "mine", "--yes")
    for words in (["evaluate"], ["compare", "1v7", "1v7"], ["show", "--mistakes", "1v7"]):
        done = invoke(*words)
        assert (done.code, done.out) == (3, "")
        problem = "error: 1v7@1 was trained on mine, which is not among the datasets\n"
        assert done.err.startswith(problem)
    assert invoke("evaluate", "--dataset", "mine").code == 3
    assert invoke("evaluate", "--dataset", "mnist").code == 0


def test_what_was_kept_picture_by_picture_has_no_test(invoke, drawings):
    for digit in ("1", "7"):
        invoke("predict", str(drawings / f"{digit}_00.png"), "--truth", digit, "--keep", "mine")
    invoke("train", "1v7", "--limit", "200", "-q")
    for words in (["evaluate"], ["compare", "1v7", "1v7"]):
        done = invoke(*words, "--dataset", "mine")
        assert (done.code, done.out) == (3, "")
        error, hint = done.err.splitlines()
        assert error == "error: mine has no test images"
        assert hint.endswith("mnistcli evaluate --on train")


def test_an_own_dataset_in_a_table_and_damaged(invoke, drawings, home):
    hostile = drawings.rename(drawings.with_name("d\x1b[31m[b]"))
    assert invoke("download", "--source", str(hostile), "--as", "mine", "-q").code == 0
    table = invoke("download", "--list").out
    assert "0 5 0 0 0 0 0 5 0 0" in table
    assert f"{drawings.parent}/d\\x1b[31m[b]" in table
    next((home / "own" / "mine").glob("test-images*")).write_bytes(b"")
    assert "damaged: " in invoke("download", "--list").out
    done = invoke("doctor")
    assert (done.code, "mine: damaged: " in done.out) == (4, True)
    done = invoke("train", "1v7", "--dataset", "mnist+mine")
    assert (done.code, "put its folder back from a backup" in done.err) == (4, True)
    dry = invoke("download", "--remove", "mine", "--dry-run")
    assert (dry.code, dry.err) == (0, "nothing removed\n")
    assert [line.split()[0] for line in dry.out.splitlines() if line][:2] == ["your", "name"]
    document = json.loads(invoke("download", "--remove", "mine", "--dry-run", "--json").out)
    assert (document["dry_run"], document["datasets"][0]["name"]) == (True, "mine")
    assert invoke("download", "--dry-run").err.startswith("error: --dry-run goes with --remove")
    assert invoke("download", "--remove", "mine", "--yes").err == "removed mine\n"
    assert not (home / "own" / "mine").exists()


def test_removal_asks(invoke, drawings, empty_home):
    invoke("download", "--source", str(drawings), "--as", "mine")
    done = invoke("download", "--remove", "mine")
    assert (done.code, "add --yes" in done.err) == (2, True)
    removed = json.loads(invoke("download", "--remove", "mine", "--yes", "--json").out)
    assert [each["name"] for each in removed["datasets"]] == ["mine"]
    assert invoke("download", "--remove", "mine", "--yes").code == 2
    invoke("download")
    assert invoke("download", "--remove", "mnist", "--yes").code == 0
    assert invoke("download", "--remove", "mnist", "--yes").code == 3
    assert invoke("download", "--dataset", "mnist").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--as", "mine"), 2, "--as goes with a path"),
        (("--source", "mirror", "--as", "mine"), 2, "--as goes with a path"),
        (("--source", "https://x.org/a.csv", "--as", "mine"), 2, "--as goes with a path"),
        (("--replace",), 2, "goes with --as"),
        (("--seed", "0"), 2, "goes with --as"),
        (("--source", "drawings", "--as", "mnist"), 2, "the name 'mnist' is taken"),
        (("--source", "drawings", "--as", "../up"), 2, "'../up' is not a name"),
        (("--source", "nowhere", "--as", "mine"), 3, "there is no file or folder nowhere"),
        (("--source", "drawings", "--as", "mine", "--test-size", "1"), 2, "--test-size = 1"),
        (("--dataset", "mine", "--check"), 2, "unknown dataset 'mine'"),
    ],
)
def test_what_makes_no_sense_of_own_digits(invoke, drawings, monkeypatch, arguments, code, message):
    monkeypatch.chdir(drawings.parent)
    done = invoke("download", *arguments)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
