"""A model file gives back exactly its model, or one line of error."""

from __future__ import annotations

import dataclasses
import json
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from mnistcli.errors import CorruptFileError
from mnistcli.features import FeatureSpec
from mnistcli.linear_model.classifier import LinearClassifier
from mnistcli.registry import store
from mnistcli.registry.card import ModelCard, features_entry, read_typed
from mnistcli.registry.model_file import Model, encode_model, read_card, read_model
from mnistcli.settings import PRESETS, SolverSettings, SplitSpec
from mnistcli.tasks import parse_task


def make_model(n_classes=2, *, accuracy=0.5, created="2026-01-02T03:04:05.000006+00:00", seed=0):
    rng = np.random.default_rng(seed)
    n_outputs = 1 if n_classes == 2 else n_classes
    names = tuple(str(k) for k in range(n_classes))
    classifier = LinearClassifier(
        rng.normal(size=(n_outputs, 784)), rng.normal(size=n_outputs), names
    )
    card = ModelCard(
        task=parse_task("v".join(names)),
        dataset="mnist",
        dataset_sha256="ab" * 32,
        split=SplitSpec(),
        settings=SolverSettings(solver="lbfgs", C=0.1),
        features={"kind": "pixels", "scale": 1 / 255},
        n_train=100,
        n_test=50,
        certificate={"converged": True, "objective": 1.5},
        fit_seconds=0.25,
        metrics={"test_accuracy": accuracy},
        versions={"python": "3.11"},
        command="mnistcli train --task 'ünïcode'",
        created=created,
    )
    return Model(classifier, card)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_a_model_comes_back_bit_for_bit(path, n_classes):
    model = make_model(n_classes)
    path.write_bytes(encode_model(model))
    loaded = read_model(path)
    assert loaded.card == model.card
    assert loaded.classifier.coef.tobytes() == model.classifier.coef.tobytes()
    assert loaded.classifier.intercept.tobytes() == model.classifier.intercept.tobytes()
    assert loaded.classifier.class_names == model.classifier.class_names
    assert loaded.classifier.scale == model.classifier.scale
    assert read_card(path) == model.card


def test_equal_models_give_equal_files_that_safetensors_reads(path):
    assert encode_model(make_model()) == encode_model(make_model())
    path.write_bytes(encode_model(make_model()))
    with safe_open(path, framework="np") as file:
        assert set(file.keys()) == {"coef", "intercept"}
        assert json.loads(file.metadata()["mnistcli"])["card"]


def damaged(content, where, bit):
    changed = bytearray(content)
    changed[where] ^= 1 << bit
    return bytes(changed)


@pytest.mark.parametrize("n_bits", [2, pytest.param(8, marks=pytest.mark.torture)])
def test_flipped_bits_of_every_byte_of_the_header_and_some_of_the_arrays_are_noticed(path, n_bits):
    content = encode_model(make_model())
    n_header = struct.unpack("<Q", content[:8])[0] + 8
    places = [(byte, bit) for byte in range(8) for bit in range(8)]  # the length of the header
    places += [(byte, (byte + 3 * k) % 8) for byte in range(8, n_header) for k in range(n_bits)]
    places += [(byte, byte % 8) for byte in range(n_header, len(content), 64)]
    accepted = []
    for where, bit in places:
        path.write_bytes(damaged(content, where, bit))
        try:
            read_model(path)
        except CorruptFileError:
            continue
        accepted.append((where, bit))
    assert not accepted


@pytest.mark.parametrize("n_bytes", [0, 1, 7, 8, 9, 100, -1])
def test_cut_and_extended_files_are_refused(path, n_bytes):
    content = encode_model(make_model())
    path.write_bytes(content[:n_bytes] if n_bytes >= 0 else content + b"\0")
    with pytest.raises(CorruptFileError, match=r"model\.safetensors: not a model file"):
        read_model(path)


class Bomb:
    def __reduce__(self):
        return (open, ("exploded", "w"))


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Bomb()),
        b"<!doctype html><title>404</title>",
        b"PK\x03\x04" + b"\0" * 100,
        struct.pack("<Q", 2**63) + b"{}" * 50,
        struct.pack("<Q", 4) + b"null" + b"\0" * 20,
        struct.pack("<Q", 60_000) + b"[" * 60_000,
    ],
    ids=["pickle", "html", "zip", "huge header", "null", "deep"],
)
def test_foreign_files_are_refused_and_nothing_in_them_is_run(path, content, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    path.write_bytes(content)
    with pytest.raises(CorruptFileError):
        read_model(path)
    assert [entry.name for entry in tmp_path.iterdir() if entry.name != "home"] == [path.name]


@pytest.mark.parametrize("number", [np.nan, np.inf, -1.7e308])
def test_numbers_that_are_not_finite_or_huge_are_refused(path, number):
    model = make_model()
    coef = model.classifier.coef.copy()
    coef[0, 5] = number
    broken = dataclasses.replace(model, classifier=dataclasses.replace(model.classifier, coef=coef))
    path.write_bytes(encode_model(broken))
    with pytest.raises(CorruptFileError, match="not finite"):
        read_model(path)


@pytest.mark.parametrize("key", ["shape", "data_offsets"])
@pytest.mark.parametrize("kind", [float, bool])
def test_sizes_that_are_only_equal_to_whole_numbers_are_refused(tmp_path, key, kind):
    content = encode_model(make_model())
    start = 8 + int.from_bytes(content[:8], "little")
    layout = json.loads(content[8:start])
    of = layout["intercept" if key == "shape" else "coef"]
    of[key][0] = kind(of[key][0])
    header = json.dumps(layout).encode()
    path = tmp_path / "forged.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + content[start:])
    for read in (read_card, read_model):
        with pytest.raises(CorruptFileError, match="its arrays are not those that its card speaks"):
            read(path)


def forged_card(*keys_and_value):
    *keys, last, value = keys_and_value
    content = json.loads(make_model().card.to_json())
    inner = content
    for key in keys:
        inner = inner[key]
    inner[last] = value
    return json.dumps(content)


@pytest.mark.parametrize(
    "place",
    [
        ("settings", "C", None), ("settings", "C", "1"), ("settings", "C", True),
        ("settings", "solver", ["lbfgs"]), ("settings", "tol", "x"), ("settings", "max_iter", 1.5),
        ("settings", "odd", 1), ("split", "seed", None), ("split", "seed", False),
        ("split", "limit", "5"), ("split", "without", 5),
        ("split", "without", [1.0]), ("has_out_of_fold", 1), ("split", "test_size", {}), ("split", []), ("task", "0V1"),
        ("task", 1), ("class_names", ["1", "0"]), ("features", "scale", 2.0),
        ("features", "kind", ["pixels"]), ("features", "n_copies", False), ("n_train", -1),
        ("n_test", 1.0), ("certificate", "n_iterations", -1e308),
        ("certificate", "n_iterations", None), ("certificate", "converged", "yes"),
        ("certificate", "odd", {"a": 1}), ("metrics", "test_accuracy", 1.5),
        ("metrics", "test_accuracy", "0.9"), ("metrics", "odd", [[1]]), ("versions", "python", 3.11),
        ("versions", []), ("created", "[/]"), ("created", "2026-13-02T03:04:05.000006+00:00"),
        ("created", None), ("fit_seconds", -1.0), ("order", -1), ("order", 10**16), ("command", 0),
    ],
    ids=str,
)  # fmt: skip
def test_a_card_of_other_types_or_out_of_bounds_is_none(place):
    assert ModelCard.from_json(json.dumps(json.loads(make_model().card.to_json())))
    with pytest.raises(ValueError, match=r"card|task|month|patches|features"):
        ModelCard.from_json(forged_card(*place))


def test_a_card_writes_no_number_that_json_has_no_word_for():
    card = dataclasses.replace(make_model().card, metrics={"test_accuracy": np.nan})
    with pytest.raises(ValueError, match="not JSON compliant"):
        card.to_json()


def test_a_card_that_has_no_order_yet_is_read():
    content = json.loads(make_model().card.to_json())
    del content["order"]
    assert ModelCard.from_json(json.dumps(content)) == make_model().card
    del content["created"]
    with pytest.raises(ValueError, match="the card has missing or unknown keys: created"):
        ModelCard.from_json(json.dumps(content))


def test_what_folds_said_of_the_training_images_is_kept(path):
    said = np.linspace(0, 1, 100, dtype=np.float32)
    model = dataclasses.replace(make_model(), out_of_fold=said)
    path.write_bytes(encode_model(model))
    loaded = read_model(path)
    assert loaded.out_of_fold.tobytes() == said.tobytes()
    assert loaded.card == dataclasses.replace(model.card, has_out_of_fold=True)
    assert read_model(path).card.document()["has_out_of_fold"] is True
    for wrong in (1.5, -0.1):
        said[7] = wrong
        path.write_bytes(encode_model(model))
        with pytest.raises(CorruptFileError, match="probabilities that are none"):
            read_model(path)
    # as many as there are training images, or it is no model file
    path.write_bytes(encode_model(dataclasses.replace(model, out_of_fold=said[1:])))
    with pytest.raises(CorruptFileError, match="not those that its card speaks of"):
        read_model(path)


def test_a_card_of_before_folds_were_kept_and_images_left_out_is_read():
    content = json.loads(make_model().card.to_json())
    del content["has_out_of_fold"], content["split"]["without"]
    assert ModelCard.from_json(json.dumps(content)) == make_model().card
    content["split"]["without"] = [3, 5]
    assert ModelCard.from_json(json.dumps(content)).split.without == (3, 5)


def test_a_card_of_a_newer_format_is_named(path):
    model = make_model()
    content = encode_model(model).replace(
        b'\\\\\\"format_version\\\\\\": 1', b'\\\\\\"format_version\\\\\\": 2'
    )
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match="format version 2, this program reads 1"):
        read_model(path)


def test_of_views_that_a_card_counts_one_is_read_and_others_are_refused(path):
    content = Path(store.__file__).with_name("builtin.safetensors").read_bytes()
    counted = b'\\\\\\"n_views\\\\\\": %d'
    assert counted % 1 in content
    path.write_bytes(content)
    assert read_card(path).features == {
        "kind": "patches", "sides": [5, 9], "n_filters": 24, "n_copies": 3, "scale": 1 / 255
    }  # fmt: skip
    path.write_bytes(content.replace(counted % 1, counted % 4))
    with pytest.raises(CorruptFileError, match="missing or unknown keys: n_views") as caught:
        read_model(path)
    assert caught.value.hint == "see: mnistcli models list"


@pytest.mark.promise("Parsers", "readers, 2,000 made-up inputs each")
@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_mutated_files_give_their_model_or_a_corrupt_file_error(path, data):
    content = bytearray(encode_model(make_model()))
    for _ in range(data.draw(st.integers(1, 3))):
        where = data.draw(st.integers(0, len(content) - 1))
        content[where : where + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    path.write_bytes(content)
    try:
        loaded = read_model(path)
    except CorruptFileError as error:
        assert "\n" not in error.message
    else:
        assert bytes(content) == encode_model(loaded)


def test_a_card_names_what_is_not_usual_of_copies_and_directions_and_old_ones_need_not():
    spec = FeatureSpec.of("patches+expansion")
    assert not {"n_copies", "displacement", "whitening"} & features_entry(spec, 1 / 255).keys()
    for other in (
        dataclasses.replace(spec, n_copies=3, displacement=1.5),
        dataclasses.replace(spec, whitening=0.125),
        PRESETS["best"].features,
    ):
        entry = features_entry(other, 1 / 255)
        del entry["scale"]
        assert read_typed(FeatureSpec, entry) == other != spec
