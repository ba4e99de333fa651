"""Exports: other programs say what the model says, to 1e-12."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

import mnistcli
from mnistcli.errors import StorageError, UsageError
from mnistcli.registry.exports import export_model, exporter, formats
from mnistcli.registry.exports.estimator import make_estimator
from mnistcli.registry.model_file import Model
from mnistcli.settings import FeatureSpec, SolverSettings, SplitSpec, TrainingSettings

TASKS = ("0v1", "2vrest", "digits")


@pytest.fixture(scope="module")
def models(small_mnist):
    settings = TrainingSettings(split=SplitSpec(limit=1000))
    return {
        task: replace(mnistcli.train(task, small_mnist, settings).model, ref=f"{task}@3")
        for task in TASKS
    }


@pytest.fixture(scope="module")
def images(mnist):
    return mnist.test.images[:500]


def names_of(model, images):
    return [model.card.class_names[k] for k in model.classifier.predict(images)]


def files_in(folder):
    return [path.name for path in folder.iterdir() if path.is_file()]


def close(got, expected):
    # Scores go up to a hundred; the probabilities are compared as they are.
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def assert_same(estimator, model, images):
    rows = images.reshape(-1, 784)
    assert rows.dtype == np.uint8
    close(estimator.decision_function(rows), model.classifier.decision_function(images))
    close(estimator.predict_proba(rows), model.classifier.predict_proba(images))
    assert estimator.predict(rows).tolist() == names_of(model, images)
    assert tuple(estimator.classes_) == model.card.class_names


def test_joblib_loads_without_mnistcli(models, images, tmp_path):
    for task, model in models.items():
        path = tmp_path / f"{task}.joblib"
        export = export_model(model, "joblib", path)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        assert (export.n_bytes, export.sha256) == (path.stat().st_size, sha256)
    np.save(tmp_path / "images.npy", images.reshape(-1, 784))
    code = f"""
        import sys
        sys.modules["mnistcli"] = None
        import joblib, numpy as np
        X = np.load("images.npy")
        for task in {TASKS}:
            estimator = joblib.load(task + ".joblib")
            np.savez(task + ".npz", p=estimator.predict_proba(X), s=estimator.decision_function(X),
                     a=estimator.predict(X), classes=estimator.classes_)
    """
    code = textwrap.dedent(code)
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, check=True)
    for task, model in models.items():
        answers = np.load(tmp_path / f"{task}.npz")
        close(answers["s"], model.classifier.decision_function(images))
        close(answers["p"], model.classifier.predict_proba(images))
        assert answers["a"].tolist() == names_of(model, images)
        assert tuple(answers["classes"]) == model.card.class_names


@pytest.mark.parametrize(
    "chosen",
    [
        SolverSettings(C=0.1),
        SolverSettings(C=0.1, class_weight="balanced"),
        SolverSettings(penalty="l1", solver="liblinear"),
        SolverSettings(penalty="l2", solver="newton-cholesky"),
    ],
    ids=str,
)
def test_the_estimator_answers_and_can_be_trained_again(chosen, mnist, images):
    settings = TrainingSettings(chosen, SplitSpec(limit=300))
    model = mnistcli.train("3v8", mnist, settings).model
    estimator = make_estimator(model)
    assert_same(estimator, model, images)
    logistic = estimator[-1]
    assert (logistic.C, logistic.l1_ratio) == (chosen.C, chosen.l1_share)
    again = clone(estimator).set_params(logisticregression__max_iter=5000)
    some = mnist.train.images[:300].reshape(-1, 784)
    again.fit(some, mnist.train.labels[:300] == 3)
    assert again.score(some, mnist.train.labels[:300] == 3) > 0.9


def test_the_estimator_knows_what_was_minimised(models):
    model = models["0v1"]
    none = replace(model.card, settings=SolverSettings(penalty="none", solver="newton"))
    assert math.isinf(make_estimator(replace(model, card=none))[-1].C)
    elastic = SolverSettings(penalty="elasticnet", l1_ratio=0.25, solver="saga")
    logistic = make_estimator(replace(model, card=replace(model.card, settings=elastic)))[-1]
    assert (logistic.l1_ratio, logistic.solver) == (0.25, "saga")


@pytest.mark.parametrize("task", TASKS)
def test_skops_trusts_nothing_and_says_the_same(task, models, images, tmp_path):
    skops = pytest.importorskip("skops.io")
    path = export_model(models[task], "skops", tmp_path / "model.skops").path
    assert skops.get_untrusted_types(file=path) == []
    assert_same(skops.load(path), models[task], images)


@pytest.mark.parametrize("task", TASKS)
def test_onnx_says_the_same_of_raw_images(task, models, images, tmp_path):
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    model = models[task]
    path = export_model(model, "onnx", tmp_path / "model.onnx").path
    proto = onnx.load(path)
    onnx.checker.check_model(proto, full_check=True)
    assert [entry.value for entry in proto.metadata_props] == [model.card.to_json()]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    label, probabilities = session.run(["label", "probabilities"], {"pixels": images})
    assert label.tolist() == names_of(model, images)
    assert probabilities.dtype == np.float64
    close(probabilities, model.classifier.predict_proba(images))
    one = session.run(["label"], {"pixels": images[:1]})[0]
    assert one.tolist() == label[:1].tolist()
    again = export_model(model, "onnx", tmp_path / "again.onnx").path
    assert again.read_bytes() == path.read_bytes()


def test_a_tie_is_answered_as_by_the_model(models, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    for task, model in models.items():
        nothing = replace(
            model.classifier,
            coef=np.zeros_like(model.classifier.coef),
            intercept=np.zeros_like(model.classifier.intercept),
        )
        undecided = Model(nothing, model.card, model.ref)
        path = export_model(undecided, "onnx", tmp_path / f"{task}.onnx").path
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        blank = np.zeros((1, 28, 28), np.uint8)
        assert session.run(["label"], {"pixels": blank})[0].tolist() == names_of(undecided, blank)
        assert make_estimator(undecided).predict(blank.reshape(1, -1)).tolist() == names_of(
            undecided, blank
        )


@pytest.mark.parametrize("task", TASKS)
def test_json_can_be_read_and_predicted_with(task, models, images, tmp_path):
    model = models[task]
    path = export_model(model, "json", tmp_path / "model.json").path

    def refuse(name):
        raise AssertionError(name)

    text = path.read_text("utf-8")
    content = json.loads(text, parse_constant=refuse)
    assert np.array_equal(content["coef"], model.classifier.coef)
    assert np.array_equal(content["intercept"], model.classifier.intercept)
    assert content["scale"] == model.classifier.scale
    assert content["card"] == json.loads(model.card.to_json())
    assert content["model"] == model.ref
    # as its own words say
    names = content["class_names"]
    for image in images[:20]:
        x = image.ravel().tolist()
        score = [
            b + sum(w * content["scale"] * pixel for w, pixel in zip(row, x, strict=True))
            for b, row in zip(content["intercept"], content["coef"], strict=True)
        ]
        answer = names[score[0] > 0] if len(names) == 2 else names[score.index(max(score))]
        assert [answer] == names_of(model, image[None])
    assert f"probability of {names[1]!r} = 1 / (1" in text or len(names) > 2
    assert max(map(len, text.splitlines())) < 800


def test_each_format_says_what_it_costs():
    assert formats() == ("html", "joblib", "json", "onnx", "skops")
    assert "runs code" in exporter("joblib").trust
    for each in map(exporter, formats()):
        assert each.what
        assert each.good_for
        assert "{file}" in each.use
        assert each.takes_pairs != ("(" in each.use), "a page is opened, the others are code"


NEW_FORMAT = """
from mnistcli.registry.exports import Exporter
EXPORTER = Exporter(lambda model: model.ref.encode(), "just the name", "a", "b", "{file}", True)
"""


def test_a_new_format_is_one_file(tmp_path, invoke):
    """It is found by the command, its help, the completion and the check of its name."""
    invoke("train", "--task", "0v1", "--limit", "50", "-q")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "to_name.py").write_text(NEW_FORMAT)
    code = """
        import sys
        import mnistcli.registry.exports as exports
        exports.__path__.append("more")
        from mnistcli.cli.app import app
        app(sys.argv[1:], prog_name="mnistcli")
    """

    def mnistcli_(*arguments):
        command = [sys.executable, "-c", textwrap.dedent(code), "models", "export", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert "name: just the name" in " ".join(mnistcli_("--help").stdout.split())
    assert mnistcli_("0v1", "--to", "name", "-o", "-").stdout == "0v1@1"
    assert mnistcli_("0v1", "--to", "name", "-q").stdout == "0v1-1.name\n"
    error = mnistcli_("0v1", "--to", "nam").stderr.splitlines()
    assert error == [
        "error: 'nam' is no export format", "hint: choose from html, joblib, json, name, onnx, skops"
    ]  # fmt: skip


def test_what_is_there_stays_unless_told_otherwise(models, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = export_model(models["0v1"], "json").path
    assert str(path) == "0v1-3.json"
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"0v1-3\.json is there already"):
        export_model(replace(models["digits"], ref="0v1@3"), "json")
    assert path.read_bytes() == before
    export_model(models["digits"], "json", path, overwrite=True)
    assert path.read_bytes() != before
    assert files_in(tmp_path) == ["0v1-3.json"]


def test_names_of_files_and_of_models_outside_the_registry(models, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stored = replace(models["0v1"], ref="some/where/7.safetensors")
    assert str(export_model(stored, "json").path) == "7.json"
    assert str(export_model(replace(stored, ref=""), "json").path) == "0v1.json"


def test_a_folder_that_is_not_there_is_made_and_a_file_in_its_place_is_named(models, tmp_path):
    path = tmp_path / "new" / "model.json"
    assert export_model(models["0v1"], "json", path).path == path
    with pytest.raises(StorageError, match=r"model\.json"):
        export_model(models["0v1"], "json", path / "below.json")


OF_ONE_PRODUCT = [name for name in formats() if not exporter(name).takes_pairs]


@pytest.mark.parametrize("format_", OF_ONE_PRODUCT)
def test_models_that_are_more_than_one_product_are_refused(format_, mnist, tmp_path):
    settings = TrainingSettings(split=SplitSpec(limit=300))
    pairs = mnistcli.train("pairs", mnist, settings).model
    problem = f"a vote of many models, which {format_} cannot hold"
    with pytest.raises(UsageError, match=problem) as caught:
        export_model(pairs, format_, tmp_path / "pairs")
    assert caught.value.hint == "choose from html"
    assert not files_in(tmp_path)


def test_a_folder_is_not_written_over(models, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"^\. is there already"):
        export_model(models["0v1"], "json", Path())
    with pytest.raises(StorageError, match=r"^cannot write /.*: "):
        export_model(models["0v1"], "json", Path(), overwrite=True)
    assert not files_in(tmp_path)


def test_what_is_written_over_is_a_file(models, tmp_path):
    """Root put a file in the place of /dev/null."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match=r"is a device or a pipe, and no file$"):
        export_model(models["0v1"], "json", tmp_path / "pipe", overwrite=True)
    (tmp_path / "link").symlink_to(tmp_path / "file")
    export_model(models["0v1"], "json", tmp_path / "link")
    export_model(models["digits"], "json", tmp_path / "link", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert json.loads((tmp_path / "file").read_text())["model"] == "digits@3"


PATCHES = {"sides": (5, 9), "n_filters": 6}
EXPANDED = {"n_directions": 20, "n_relus": 30, "n_squares": 20}
SEEN = {
    "deskew": ("digits", FeatureSpec("deskew")),
    "patches": ("0v1", FeatureSpec("patches", **PATCHES)),
    "copies": ("2vrest", FeatureSpec("patches", sides=(7,), n_filters=5, n_copies=1)),
    "expansion": ("digits", FeatureSpec("patches+expansion", **PATCHES, **EXPANDED)),
    "ramps": ("0v1", FeatureSpec("deskew+expansion", **EXPANDED | {"n_squares": 0})),
    "squares": ("digits", FeatureSpec("pixels+expansion", **EXPANDED | {"n_relus": 0})),
    "scattering": ("digits", FeatureSpec("scattering")),
    "arrangements": ("digits", FeatureSpec("arrangements", n_codes=7)),
    "beside": (
        "digits",
        FeatureSpec(
            "patches+expansion+scattering+expansion+arrangements", **PATCHES, **EXPANDED, n_codes=5
        ),
    ),
    "pixels beside": ("0v1", FeatureSpec("pixels+deskew+expansion", **EXPANDED)),
}


def trained(kind, dataset):
    task, features = SEEN[kind]
    settings = TrainingSettings(split=SplitSpec(limit=300), features=features)
    return replace(mnistcli.train(task, dataset, settings).model, ref=f"{kind}@1")


@pytest.fixture(scope="module", params=SEEN)
def seeing(request, small_mnist):
    """A model of features, of each kind in turn."""
    return trained(request.param, small_mnist)


@pytest.fixture(scope="module")
def expanding(small_mnist):
    return trained("expansion", small_mnist)


@pytest.fixture(scope="module")
def odd(images):
    """Digits, and images without ink, all ink, noise, and a single pixel in a corner."""
    noise = np.random.default_rng(0).integers(0, 256, (20, 28, 28))
    corner = np.zeros((1, 28, 28))
    corner[0, 27, 0] = 255
    even = [np.full((1, 28, 28), level) for level in (0, 1, 255)]
    return np.concatenate([images[:250], noise, corner, *even]).astype(np.uint8)


def test_onnx_sees_what_the_model_sees(seeing, odd, tmp_path):
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    classifier = seeing.classifier
    path = export_model(seeing, "onnx", tmp_path / "model.onnx").path
    proto = onnx.load(path)
    onnx.checker.check_model(proto, full_check=True)
    # What chains have in common is there once.
    large = [each.raw_data for each in proto.graph.initializer if len(each.raw_data) > 1000]
    assert len(large) == len(set(large)) > 0
    # Rows of features as well, to be compared.
    (rows,) = [node.input[0] for node in proto.graph.node if list(node.output) == ["features"]]
    proto.graph.output.append(
        onnx.helper.make_tensor_value_info(rows, onnx.TensorProto.FLOAT, [None, None])
    )
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    label, probabilities, got = session.run(["label", "probabilities", rows], {"pixels": odd})
    expected = classifier.raw_features(odd).astype(int)
    # Where float32 lands beside a half, a byte may be one off.
    assert np.abs(got - expected).max() <= 1
    assert np.mean(got != expected) < (1e-3 if seeing.ref == "beside@1" else 2e-4)
    assert label.tolist() == names_of(seeing, odd)
    np.testing.assert_allclose(probabilities, classifier.predict_proba(odd), atol=0.01)
    assert session.run(["label"], {"pixels": odd[:0]})[0].shape == (0,)
    is_same = (got == expected).all(axis=1)
    assert is_same.mean() > 0.9
    close(probabilities[is_same], classifier.predict_proba(odd)[is_same])


def test_pipelines_see_what_the_model_sees(seeing, odd, tmp_path):
    joblib, skops = pytest.importorskip("joblib"), pytest.importorskip("skops.io")
    path = export_model(seeing, "joblib", tmp_path / "model.joblib").path
    assert_same(joblib.load(path), seeing, odd)
    export = export_model(seeing, "skops", tmp_path / "model.skops")
    trusted = ["mnistcli.registry.exports.estimator.features_of"]
    assert skops.get_untrusted_types(file=export.path) == trusted
    assert f"trusted={trusted}" in export.use
    assert_same(skops.load(export.path, trusted=trusted), seeing, odd)


def test_a_pipeline_of_features_can_be_trained_again_and_refuses_other_scales(expanding, mnist):
    rows, labels = mnist.train.images[:300].reshape(-1, 784), mnist.train.labels[:300]
    estimator = make_estimator(expanding)
    with pytest.raises(ValueError, match="whole numbers from 0 for paper to 255"):
        estimator.predict(rows / 255)
    again = clone(estimator).set_params(logisticregression__max_iter=5000).fit(rows, labels)
    assert again.score(rows, labels) > 0.9


def test_what_skops_is_told_to_trust_makes_features_and_nothing_else(expanding, tmp_path):
    """Settings of a stranger's file go through the checks of a model file's."""
    step = make_estimator(expanding)[0]
    nothing = np.zeros((1, 784))
    as_now = step.transform(nothing)
    step.kw_args["spec"]["n_views"] = 1  # as pipelines of before have it
    np.testing.assert_array_equal(step.transform(nothing), as_now)
    for wrong in ({"n_relus": 10**12}, {"kind": "os+system"}, {"sides": (4,)}, {"sides": "55"}):
        step.kw_args["spec"] = {**step.kw_args["spec"], **wrong}
        with pytest.raises((UsageError, TypeError)):
            step.transform(nothing)


def test_json_says_how_to_make_features(seeing, odd, tmp_path):
    path = export_model(seeing, "json", tmp_path / "model.json").path
    content = json.loads(path.read_text("utf-8"))
    some = np.concatenate([odd[:5], odd[-24:-22], odd[-4:]])
    expected = seeing.classifier.raw_features(some).astype(int)
    seen = np.array([features_as_told(content, image) for image in some])
    assert np.abs(seen - expected).max() <= 1
    # Of more numbers before an expansion more are one off, each of which moves several of its own.
    assert np.mean(seen != expected) < (1e-2 if seeing.ref == "beside@1" else 1e-3)
    # What a step speaks of, one before it defines.
    told = " ".join(content["how_to_predict"])
    for used, defined in {"filtered(J": "filtered(M, s, d), of", " J ": "J[row][column] ="}.items():
        assert used not in told or 0 <= told.find(defined) < told.rfind(used)


def features_as_told(content, image):
    """Follow the words of an export, step by step, and nothing else."""
    kind = content["card"]["features"]["kind"]
    chains = kind.replace("+expansion", "*expansion").split("+")
    if len(chains) == 1:
        return chain_as_told(content, image, kind.split("+"))
    told = [step for step in content["how_to_predict"] if "of another chain" in step]
    parts = []
    for chain, step in zip(chains, told, strict=True):
        stages = chain.split("*")
        assert f"called {stages[0]}." in step
        own = {name.removeprefix(f"{stages[0]}."): content[name] for name in content}
        parts.append(chain_as_told(own, image, stages))
    return np.concatenate(parts)


def chain_as_told(content, image, kind):
    has = {name for name in content if isinstance(content[name], list)}
    I = image.astype(np.float32)  # noqa: E741 - as the words call it
    row, column = np.mgrid[:28, :28].astype(np.float32)
    ink = max(1, I.sum())
    mean_x, mean_y = (I * column).sum() / ink, (I * row).sum() / ink
    var_x, var_y = (I * (column - mean_x) ** 2).sum() / ink, (I * (row - mean_y) ** 2).sum() / ink
    cov_xy = (I * (column - mean_x) * (row - mean_y)).sum() / ink
    slant = np.clip(cov_xy / max(var_y, 0.5), -1.5, 1.5)
    wide = np.pad(I, 40)

    def at(x, y):
        x, y = np.clip(x + 40, 0, 106), np.clip(y + 40, 0, 106)
        left, top = x.astype(int), y.astype(int)
        upper = wide[top, left] * (1 - x + left) + wide[top, left + 1] * (x - left)
        lower = wide[top + 1, left] * (1 - x + left) + wide[top + 1, left + 1] * (x - left)
        return upper * (1 - y + top) + lower * (y - top)

    x = I.ravel()
    if kind[0] == "deskew":
        x = np.round(at(column + slant * (row - mean_y), row)).ravel()
    if kind[0] in {"patches", "scattering", "arrangements"}:
        var_upright = var_x - slant * (2 * cov_xy - slant * var_y)
        width = np.clip(np.sqrt(np.sqrt(max(var_upright, 0.5)) / 7.1), 0.3, 1.2)
        height = np.clip(np.sqrt(np.sqrt(max(var_y, 0.5)) / 10), 0.5, 1.1)
        down = height * (row - 13.5)
        J = at(mean_x + width * (column - 13.5) + slant * down, mean_y + down) / 255
        p = TOLD[kind[0]](content, J)
        x = np.floor(np.minimum(255, np.array(content["factors"]) * p) + 0.5)
    if kind[-1] == "expansion":
        n_relus = content["card"]["features"]["n_relus"]
        assert has >= {"directions", "shift", "mixture", "offset"}
        s = (np.array(content["directions"]) @ x - content["shift"]) @ np.array(content["mixture"])
        ramps = np.maximum(0, s[:n_relus] + content["offset"])
        x = np.floor(np.minimum(255, np.concatenate([ramps, s[n_relus:] ** 2])) + 0.5)
    return x


def filtered(M, s, d):
    m, n, waves, angle = len(M), 32 // 2**s, 12 / 2**s, np.deg2rad(30 * d)
    v = round(waves * np.sin(angle)) - n // 2 + np.arange(n)[:, None]
    u = round(waves * np.cos(angle)) - n // 2 + np.arange(n)
    along = np.cos(angle) * u + np.sin(angle) * v
    across = np.cos(angle) * v - np.sin(angle) * u
    w = 2 * np.pi / 32 * 0.8 * 2**s

    def bell(c):
        return np.exp(-(w**2) / 2 * ((along - c) ** 2 + 4 * across**2))

    wavelet = bell(waves) - np.exp(-(w**2) / 2 * waves**2) * bell(0)
    return np.abs(np.fft.ifft2(np.fft.fft2(M)[v % m, u % m] * wavelet)) * (n / m) ** 2


def arrangements_as_told(content, J):
    J = np.pad(J, 2)
    fine = [filtered(J, 0, d) for d in range(6)]
    fine = [(M[::2, ::2] + M[1::2, ::2] + M[::2, 1::2] + M[1::2, 1::2]) / 4 for M in fine]
    strokes = np.sqrt([*fine, *(filtered(J, 1, d) for d in range(6))])
    axes, codes = np.array(content["axes"]), np.array(content["codes"])
    b = np.array([[np.exp(-((2 * y - 5.5 - 20 / 3 * m) ** 2) / 20.48) for y in range(16)]
                  for m in range(4)])  # fmt: skip
    b /= b.sum(axis=1, keepdims=True)
    near = np.zeros((4, 4, len(codes)))
    for i in range(14):
        for j in range(14):
            z = axes @ strokes[:, i : i + 3, j : j + 3].ravel() - content["middle"]
            like = np.maximum(0, codes @ z / np.sqrt((z**2).sum() + 0.05) - 0.3)
            near += b[:, None, i + 1, None] * b[None, :, j + 1, None] * like
    return np.sqrt(near).ravel()


def scattering_as_told(_content, J):
    J = np.pad(J, 2)
    maps = [J]
    for s in range(3):
        maps += [filtered(J, s, d) for d in range(6)]
        maps += [
            filtered(filtered(J, s, d), t, e)
            for t in range(s + 1, 3) for d in range(6) for e in range(6)
        ]  # fmt: skip
    p = []
    for M in maps:
        y, x = np.mgrid[: len(M), : len(M)] * 32 / len(M)
        for k in range(6):
            for l in range(6):  # noqa: E741 - as the words call it
                near = np.exp(-((y - 5.5 - 4 * k) ** 2 + (x - 5.5 - 4 * l) ** 2) / 20.48)
                p.append((M * near).sum() / near.sum())
    return np.sqrt(p)


def likeness_as_told(content, J):
    parts = []
    for side in content["card"]["features"]["sides"]:
        filters = np.array(content[f"filters{side}"])
        padded = np.pad(J, side // 2)
        like = np.zeros((14, 14, len(filters)))
        for i in range(14):
            for j in range(14):
                P = padded[2 * i : 2 * i + side, 2 * j : 2 * j + side].ravel()
                contrast = np.sqrt(max(0, (P**2).sum() - P.sum() ** 2 / side**2) + 0.05)
                like[i, j] = np.maximum(0, filters @ P / contrast - 0.4)
        square = [
            [np.sqrt(like[i : i + 4, j : j + 4].sum(axis=(0, 1))) for j in range(11)]
            for i in range(11)
        ]
        near = [[i for i in range(11) if abs(2 * k - i) <= 1] for k in range(6)]
        parts += [
            np.mean([square[i][j] for i in near[k] for j in near[l]], axis=0)
            for k in range(6)
            for l in range(6)  # noqa: E741
        ]
    return np.concatenate(parts)


TOLD = {
    "patches": likeness_as_told,
    "scattering": scattering_as_told,
    "arrangements": arrangements_as_told,
}


@pytest.mark.parametrize("format_", ["skops", "onnx"])
def test_a_missing_library_is_one_line_with_what_to_type(format_, models, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, format_, None)
    monkeypatch.delitem(sys.modules, f"{format_}.io", raising=False)
    with pytest.raises(UsageError, match="which is not installed") as caught:
        export_model(models["0v1"], format_, tmp_path / "model")
    assert caught.value.hint == f"pip install 'mnistcli[{format_}]'"
    assert not files_in(tmp_path)
