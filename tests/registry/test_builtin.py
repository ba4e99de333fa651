"""The model that comes with the program."""

from __future__ import annotations

import json
import os
import pty
import random
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from mnistcli import conform, load_model, open_dataset, predict, save_model
from mnistcli.errors import CorruptFileError, ModelNotFoundError, UsageError
from mnistcli.registry import store
from mnistcli.registry.model_file import encode_model
from tests.europeans import drawn
from tests.registry.test_model_file import make_model

N_RIGHT = 9953


@pytest.fixture
def registry(home):
    return store.ModelRegistry(home / "models")


@pytest.fixture
def drawing(tmp_path, mnist):
    """A seven as people draw it: dark on light, large."""
    path = tmp_path / "seven.png"
    large = Image.fromarray(255 - mnist.test.images[0]).resize((140, 140))
    Image.fromarray(np.pad(np.asarray(large), 40, constant_values=255)).save(path)
    return str(path)


def test_it_answers_as_its_card_says(mnist):
    model = load_model("builtin")
    classes = predict(model, mnist.test.images).classes
    assert int((classes == mnist.test.labels).sum()) == N_RIGHT
    assert model.card.metrics["test_n_correct"] == N_RIGHT
    card = model.card
    assert (model.ref, card.task.name, card.dataset) == ("builtin", "digits", "mnist+europeans")
    assert card.dataset_parts == {
        "mnist": mnist.sha256,
        "europeans": open_dataset("europeans").sha256,
    }
    train = "mnistcli train digits --features patches --copies 3 --tol 1e-6"
    assert card.command == f"{train} --dataset mnist+europeans"


def test_it_reads_ones_with_a_flag_and_sevens_with_a_bar():
    """By another hand than what it was trained on; without that it reads 77 of 100."""
    rng, digits = random.Random(1), [1, 7] * 50
    images = np.stack([conform(np.asarray(drawn(digit, rng))).image for digit in digits])
    assert (predict("builtin", images).classes == digits).sum() >= 95


@pytest.mark.torture
def test_it_is_reproduced(run):
    assert run("models", "reproduce", "builtin", "-q").out == "reproduced\n"


def test_it_is_found_by_its_name_alone(registry):
    entry = registry.find("builtin")
    assert (entry.ref, entry.is_builtin) == ("builtin", True)
    assert entry.path.stat().st_size < 240_000
    assert registry.summary("builtin").card == registry.load("builtin").card
    assert [each.entry for each in registry.summaries("builtin")] == [entry]
    with pytest.raises(ModelNotFoundError, match="there is no model yet") as caught:
        registry.find()
    assert "builtin" in caught.value.hint
    for ref in ("builtin@1", "builtin@latest", "builtin@paper"):
        with pytest.raises(ModelNotFoundError, match="builtin has no versions and no tags"):
            registry.find(ref)
    with pytest.raises(ModelNotFoundError) as caught:
        registry.find("buildin")
    assert caught.value.hint == "did you mean builtin?"
    assert registry.save(make_model(), "m") == registry.find()
    assert not (registry.folder / "builtin").exists()


def test_a_user_s_model_of_that_name_from_before_stays_reachable(registry):
    path = registry.folder / "builtin" / "1.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(encode_model(make_model(), "builtin@1"))
    assert registry.load("builtin@1").card.task.name == "0v1"
    assert registry.load("builtin").card.task.name == "digits"
    assert registry.summary("builtin@1").entry == registry.find() == registry.find("builtin@1")
    assert [each.ref for each in registry.remove("builtin@1")] == ["builtin@1"]
    assert registry.find("builtin").is_builtin


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("models", "rm", "builtin", "--yes", "--force"), "part of mnistcli"),
        (("models", "tag", "builtin", "x"), "part of mnistcli"),
        (("models", "tag", "builtin", "--delete"), "part of mnistcli"),
        (("train", "0v1", "--name", "builtin"), "the model that came with the program"),
        (("train", "0v1", "--name", "Builtin"), "the model that came with the program"),
        (("models", "tag", "0v1", "Latest"), "'Latest' is taken"),
        (("download", "--source", ".", "--as", "Mnist"), "the name 'Mnist' is taken"),
    ],
    ids=" ".join,
)
def test_it_is_neither_changed_nor_replaced(invoke, home, arguments, problem):
    done = invoke(*arguments)
    assert (done.code, done.out) == (2, "")
    assert problem in done.err.splitlines()[0]
    assert not (home / "models").exists()
    with pytest.raises(UsageError, match="the model that came with the program"):
        save_model(make_model(), "builtin")


@pytest.mark.parametrize("content", [None, b"nonsense, and long enough to be read"])
def test_a_damaged_installation_is_told(monkeypatch, invoke, registry, tmp_path, content):
    path = tmp_path / "builtin.safetensors"
    if content:
        path.write_bytes(content)
    monkeypatch.setattr(store, "_BUILTIN_ENTRY", store.ModelEntry("builtin", 0, path))
    with pytest.raises(CorruptFileError) as caught:
        registry.load("builtin")
    assert "install mnistcli again" in caught.value.hint
    done = invoke("doctor")
    assert (done.code, "installing mnistcli again mends builtin" in done.err) == (4, True)
    found = json.loads(invoke("doctor", "--json").out)
    assert found["damaged"] == ["builtin"]
    (listed,) = json.loads(invoke("models", "list", "--json").out)["models"]
    assert (listed["card"], str(path) in listed["problem"]) == (None, True)


def test_it_is_listed_last_and_counted_as_whole(invoke, registry):
    registry.save(make_model(), "zzz")
    registry.save(make_model(), "aaa")
    assert invoke("models", "list", "-q").out == "aaa@1\nzzz@1\n"
    listed = json.loads(invoke("models", "list", "--json").out)["models"]
    assert [each["model"] for each in listed] == ["aaa@1", "zzz@1", "builtin"]
    assert invoke("models", "list", "--tsv").out.splitlines()[-1].startswith("builtin\t\tdigits\t")
    assert invoke("models", "list", "aaa", "-q").out == "aaa@1\n"
    assert invoke("models", "list", "builtin", "-q").out == "builtin\n"
    last = invoke("models", "list").out.splitlines()[-2].split()
    assert (last[0], last[-3:]) == ("builtin", ["part", "of", "mnistcli"])
    assert "Tags      part of mnistcli\n" in invoke("models", "info", "builtin").out
    assert invoke("models", "path", "builtin").out == f"{registry.find('builtin').path}\n"
    assert json.loads(invoke("doctor", "--json").out)["models"]["n_whole"] == 3


def test_predict_takes_it_where_nothing_was_trained_and_says_so(invoke, drawing):
    note = "there is no model of yours: builtin answers, see mnistcli models info builtin\n"
    done = invoke("predict", drawing)
    assert (done.code, done.err) == (0, note)
    assert " 7 " in done.out
    assert invoke("predict", drawing, "--json").err == note
    quiet = invoke("predict", drawing, "--index", "0", "-q")
    assert quiet.code == 2
    for arguments in ((drawing,), ("--index", "0")):
        done = invoke("predict", *arguments, "-q")
        assert (done.code, done.out, done.err) == (0, "7\n", "")
    done = invoke("predict", drawing, "-m", "builtin", "-q")
    assert (done.out, done.err) == ("7\n", "")
    done = invoke("predict", drawing, "-m", "nothing")
    assert (done.code, done.out) == (5, "")
    done = invoke("predict", drawing, "--explain")
    assert (done.code, done.out) == (2, "")
    assert "hint: train one that does: mnistcli train --task digits\n" in done.err


@pytest.mark.parametrize("command", ["evaluate", "report", "models info", "models reproduce"])
def test_other_commands_name_it_where_nothing_was_trained(invoke, command):
    done = invoke(*command.split())
    assert (done.code, done.out) == (5, "")
    assert done.err.endswith("or name builtin, which is always there\n")


def test_other_commands_take_it(invoke, registry, tmp_path):
    assert invoke("evaluate", "builtin", "-q").out == f"{N_RIGHT / 10_000}\n"
    filters = json.loads(invoke("show", "--filters", "builtin", "--json").out)["pictures"]
    assert len(filters) > 10
    assert len(json.loads(invoke("show", "--mistakes", "builtin", "--json").out)["pictures"]) == 10
    page = tmp_path / "builtin.md"
    assert invoke("report", "builtin", "-o", str(page)).code == 0
    assert "mnistcli train digits --features patches --copies 3 --tol 1e-6" in page.read_text()
    save_model(load_model("builtin"), "digits")
    found = json.loads(invoke("compare", "builtin", "digits", "--json").out)
    assert found["pairs"][0]["n_only_first"] == found["n_disagreements"] == 0
    file = tmp_path / "builtin.json"
    assert invoke("models", "export", "builtin", "--to", "json", "-o", str(file)).code == 0
    assert json.loads(file.read_text())["class_names"] == list("0123456789")
    assert invoke("show", "--weights", "builtin").code == 2


HINT = "builtin reads such pictures better than a model of pixels: --model builtin\n"


def test_a_model_of_pixels_points_to_it_for_drawings(invoke, drawing, mnist, tmp_path):
    assert invoke("train", "digits", "--limit", "300", "-q").code == 0
    plain = str(tmp_path / "plain.png")
    frames = [Image.fromarray(image) for image in mnist.test.images[:2]]
    frames[0].save(plain)
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])  # has a note
    np.save(tmp_path / "many.npy", mnist.test.images[:3])
    master, slave = pty.openpty()
    words = [sys.executable, "-m", "mnistcli", "predict", drawing, plain, drawing]
    ended = subprocess.run(words, stdout=slave, stderr=subprocess.PIPE, check=True, text=True)
    assert ended.stderr == f"{HINT}answered by digits@1, the newest model\n"
    ended = subprocess.run([*words, "-m", "digits"], stdout=slave, stderr=-1, check=True, text=True)
    assert ended.stderr == HINT
    for descriptor in (master, slave):
        os.close(descriptor)
    for arguments in (
        (drawing, plain, drawing),  # a pipe has nobody to be told
        (plain,),
        (str(tmp_path / "two.gif"), "--raw"),
        (str(tmp_path / "many.npy"),),
        ("--index", "3"),
        (drawing, "-q"),
        (drawing, "-m", "builtin"),
    ):
        assert invoke("predict", *arguments).err == "", arguments


def test_it_is_not_pointed_to_where_it_answers_something_else(invoke, drawing):
    assert invoke("train", "even-odd", "--limit", "300", "-q").code == 0
    done = invoke("predict", drawing)
    assert (done.code, done.err) == (0, "")
