"""Model files from strangers: a model or one line, and nothing in them is ever run or opened."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import random
import struct
import subprocess
import sys
import zipfile
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest

from mnistcli.errors import CorruptFileError
from mnistcli.registry.model_file import _digest, encode_model, read_card, read_model
from tests.registry.test_model_file import make_model

from .faults import ROOT

ODD = [
    None, True, False, 0, -1, 1.5, 1e308, -0.0, 10**17, "", "x", "\x1b[31m", "\n", "é", "A" * 300,
    "../../etc/passwd", [], {}, [[[]]], {"a": {"b": {"c": {"d": {}}}}}, ["0"], "latest", "0v1",
]  # fmt: skip
RAW = ["NaN", "Infinity", "1e999", "9" * 5000, "[" * 900 + "]" * 900, '"\\ud800"', "1" * 19]


def parts_of(content: bytes) -> tuple[dict, dict, dict, bytes]:
    n_header = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + n_header])
    entry = json.loads(header["__metadata__"]["mnistcli"])
    return header, entry, json.loads(entry["card"]), content[8 + n_header :]


def signed(header: dict, entry: dict, card: str, payload: bytes) -> bytes:
    """Put a file together whose checksum is right: what a forger would do."""
    entry = {**entry, "card": card}
    entry["sha256"] = _digest(card, entry["ref"], payload)
    header = {**header, "__metadata__": {"mnistcli": json.dumps(entry)}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + payload


def somewhere(rng: random.Random, tree: object) -> tuple[dict | list, object]:
    """Pick a place in a tree of JSON."""
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    key = rng.choice(keys)
    if isinstance(tree[key], (dict, list)) and tree[key] and rng.random() < 0.7:
        return somewhere(rng, tree[key])
    return tree, key


def forged(rng: random.Random, content: bytes) -> bytes:
    """Change something in the card, the header or the arrays, and sign it."""
    header, entry, card, payload = parts_of(content)
    what = rng.randrange(6)
    if what == 0:
        numbers = np.frombuffer(payload, "<f8").copy()
        numbers[rng.randrange(len(numbers))] = rng.choice([np.nan, np.inf, 1e308, 0.0, 5e-324])
        payload = numbers.tobytes()
    elif what == 1:
        payload = payload[: rng.randrange(len(payload))] if rng.random() < 0.5 else payload * 2
    elif what == 2:
        tree, key = somewhere(rng, header)
        tree[key] = deepcopy(rng.choice(ODD))
    else:
        for _ in range(rng.randint(1, 3)):
            tree, key = somewhere(rng, card)
            if isinstance(tree, dict) and rng.random() < 0.2:
                del tree[key]
                tree["odd"] = deepcopy(rng.choice(ODD))
            else:
                tree[key] = deepcopy(rng.choice(ODD))
    text = json.dumps(card)
    if rng.random() < 0.2:
        text = text.replace(rng.choice(["0.25", "100", "1.5", '"mnist"', "true"]), rng.choice(RAW))
    return signed(header, entry, text, payload)


def scratched(rng: random.Random, content: bytes) -> bytes:
    """Overwrite, cut, insert or repeat some bytes."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(changed) + 1)
        # Half of them in the header, which is where decisions are made.
        start = start % 1500 if rng.random() < 0.5 else start
        end = start + rng.choice([0, 1, 1, 2, 8, 64])
        changed[start:end] = rng.randbytes(rng.choice([0, 1, 1, 2, 8]))
    return bytes(changed)


@pytest.mark.parametrize("n", [2_000, pytest.param(100_000, marks=pytest.mark.torture)])
def test_mutated_files_are_models_or_one_line(tmp_path, n, record_property):
    rng = random.Random(5)
    path = tmp_path / "model.safetensors"
    originals = [encode_model(make_model(n_classes)) for n_classes in (2, 3)]
    n_accepted = 0
    for i in range(n):
        original = rng.choice(originals)
        mutated = (forged if i % 2 else scratched)(rng, original)
        path.write_bytes(mutated)
        try:
            model = read_model(path)
        except CorruptFileError as error:
            assert "\n" not in error.message, mutated[:2000]
            if "not finite" not in error.message:  # which only the arrays show
                with pytest.raises(CorruptFileError):
                    read_card(path)
            continue
        n_accepted += 1
        assert i % 2 or mutated == original
        # A forger may write a model of his own; it must be one, and the one that he wrote.
        path.write_bytes(encode_model(model))
        again = read_model(path)
        assert (again.card, again.classifier.class_names) == (
            model.card,
            model.classifier.class_names,
        )
        assert again.classifier.coef.tobytes() == model.classifier.coef.tobytes()
        assert model.classifier.decision_function(np.zeros((1, 28, 28), np.uint8)).shape[0] == 1
    assert n_accepted < n // 4
    record_property("promise", ["Strangers", "mutated model files", n])


def test_what_forged_cards_say_can_be_shown(invoke, home, record_property):
    """Cards that are accepted are listed and described without a traceback."""
    rng = random.Random(6)
    folder = home / "models" / "m"
    folder.mkdir(parents=True)
    original = encode_model(make_model(), "m@1")
    n_shown = 0
    for _ in range(600):
        (folder / "1.safetensors").write_bytes(forged(rng, original))
        try:
            read_card(folder / "1.safetensors", stored_as="m@1")
        except CorruptFileError:
            continue
        n_shown += 1
        if n_shown > 25:
            break
        for arguments in (["list"], ["info", "m"], ["info", "m", "--json"], ["list", "--tsv"]):
            done = invoke("models", *arguments)
            assert (done.code, done.err) == (0, ""), arguments
            assert "\x1b" not in done.out
    assert n_shown
    record_property("promise", ["Strangers", "forged cards shown", n_shown])


class Bomb:
    """Would leave a mark if it were unpickled."""

    def __reduce__(self):
        return (open, ("exploded", "w"))


def hostile_files(n: int):
    """Yield ``n`` files that are no models, of each kind that somebody may send as one."""
    import joblib

    def packed(write) -> bytes:
        file = io.BytesIO()
        write(file)
        return file.getvalue()

    pickles = [pickle.dumps(Bomb(), protocol) for protocol in range(6)]
    joblibs = [
        packed(lambda file, how=how: joblib.dump(Bomb(), file, compress=how))
        for how in (0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3))
    ]
    objects = np.array([Bomb()], dtype=object)
    archives = [
        packed(lambda file: np.savez(file, coef=objects)),
        packed(lambda file: np.save(file, objects)),
        packed(lambda file: zipfile.ZipFile(file, "w").writestr("data.pkl", pickles[2])),
        packed(
            lambda file: zipfile.ZipFile(file, "w").writestr("schema.json", '{"__module__": "os"}')
        ),
    ]
    texts = [
        b"<!doctype html><title>404</title>" * 9,
        b"\x08\x07\x12\x07pytorch" + bytes(100),
        b"import os\nos.system('touch exploded')\n",
        b"#!/bin/sh\ntouch exploded\n",
        b"\x7fELF" + bytes(200),
        gzip.compress(pickles[4]),
        b"\x89HDF\r\n\x1a\n" + bytes(100),
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64,
    ]
    model = encode_model(make_model())
    kinds = pickles + joblibs + archives + texts
    yield from kinds
    rng = random.Random(7)
    for i in range(n - len(kinds)):
        kind = rng.choice(kinds)
        if i % 3 == 0:  # behind the beginning of a model
            yield model[: rng.randrange(8, len(model))] + kind
        elif i % 3 == 1:  # behind a length that is possible
            text = kind[: rng.randrange(2, len(kind))]
            yield struct.pack("<Q", len(text)) + text + kind
        else:
            yield forged(rng, model)[:-1] + kind[-1:]


def load_under_audit(folder: str) -> dict[str, object]:
    """Load every file of a folder and note each event that is none of a reader's business."""
    import mnistcli.linear_model.classifier  # noqa: F401

    paths = sorted(Path(folder).iterdir())
    events: list[list[str]] = []
    opened: set[str] = set()
    watching = False
    watched = ("import", "exec", "compile", "os.", "subprocess.", "socket.", "ctypes.", "marshal.",
               "pickle.", "shutil.", "open", "urllib.", "code.")  # fmt: skip

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        if not watching or not event.startswith(watched):
            return
        if event == "open":
            opened.add(str(arguments[0]))
        else:
            events.append([event, repr(arguments)[:200]])

    n_refused = 0
    read_model(paths[0])  # a good one: what loading imports is imported
    sys.addaudithook(audit)
    for path in paths[1:]:
        watching = True
        try:
            read_model(path)
        except CorruptFileError:
            n_refused += 1
        finally:
            watching = False
    others = opened - {str(path) for path in paths} - {str(n) for n in range(100)}
    return {"n_refused": n_refused, "events": events, "opened": sorted(others)}


@pytest.mark.parametrize("n", [200])
def test_hostile_files_are_refused_and_nothing_happens(tmp_path, n, record_property):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "000").write_bytes(encode_model(make_model()))
    for i, content in enumerate(hostile_files(n), start=1):
        (folder / f"{i:03}").write_bytes(content)
    code = (
        "import json, sys; from tests.torture.test_strangers import load_under_audit;"
        "print(json.dumps(load_under_audit(sys.argv[1])))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, check=True
    )
    report = json.loads(ended.stdout)
    assert report == {"n_refused": n, "events": [], "opened": []}
    assert not (ROOT / "exploded").exists()
    record_property("promise", ["Strangers", "hostile files under an audit hook", n])
