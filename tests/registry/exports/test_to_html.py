"""The page: what its script computes is what Python computes, and words are only ever text."""

from __future__ import annotations

import csv
import importlib
import io
import json
import pkgutil
import re
from dataclasses import replace

import html5lib
import numpy as np
import pytest
from py_mini_racer import JSEvalException, MiniRacer

import mnistcli
from mnistcli.errors import BadImageError
from mnistcli.evaluation import examples_of
from mnistcli.gallery import CaptionedImage
from mnistcli.registry.exports import encode_export
from mnistcli.registry.exports.to_html import _FOLDER
from mnistcli.settings import FeatureSpec, SplitSpec, TrainingSettings
from tests.conforming.disturbances import enlarged, on_paper
from tests.handwriting import SIDE, strokes_of

# Browsers have it, engines do not.
ATOB = """
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
function atob(text) {
  let bits = 0, n = 0;
  return Array.from(text.replace(/=+$/, ""), (letter) => {
    bits = (bits << 6 | LETTERS.indexOf(letter)) & 0xffffff, n += 6;
    return n < 8 ? "" : (n -= 8, String.fromCharCode(bits >> n & 255));
  }).join("");
}
"""
# Levels go through strings, in which no letter may be 0.
DRAW = """
const lettersOf = (levels) => String.fromCharCode(...Uint16Array.from(levels, (level) => 256 + level));
function drawnAndConformed(strokes) {
  const canvas = drawn(strokes.map((stroke) => stroke.map(onCanvas)));
  try {
    return [lettersOf(canvas.data), lettersOf(conform(canvas))];
  } catch (problem) {
    if (!(problem instanceof NoDigit)) throw problem;
    return [lettersOf(canvas.data), null, problem.message];
  }
}
function pictured(letters, height, width) {
  const levels = Float32Array.from(letters, (letter) => letter.charCodeAt() - 256);
  return lettersOf(conform(inkOf({ height, width, data: levels })));
}
function answered(levels) {
  const image = Uint8Array.from(levels, (letter) => letter.charCodeAt() - 256);
  const seen = model.look(image), scores = model.linearScores(seen);
  return [Array.from(seen.features), scores, model.probabilities(scores)];
}
"""


class Page:
    """An exported page whose numbers can be asked for."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.document = html5lib.parse(text, namespaceHTMLElements=False)
        self.data, self.words = (
            json.loads(self.document.find(f".//script[@id='{name}']").text)
            for name in ("model", "words")
        )
        numbers, self.script = (each.text for each in self.document.findall(".//body/script")[-2:])
        self.engine = MiniRacer()
        self.engine.eval(ATOB + numbers + DRAW)
        self.engine.eval(f"const model = openModel({json.dumps(self.data)})")

    def call(self, function, *arguments):
        written = ", ".join(map(json.dumps, arguments))
        return json.loads(self.engine.eval(f"JSON.stringify({function}({written}))"))

    def drawn(self, strokes):
        """A canvas, (160, 160), what it is conformed to, (28, 28), or None and the problem."""
        canvas, image, *problem = self.call("drawnAndConformed", strokes)
        return levels_of(canvas, SIDE), image and levels_of(image, 28), *problem

    def pictured(self, grey):
        """What a picture is conformed to, (28, 28)."""
        letters = "".join(chr(256 + level) for level in grey.ravel().tolist())
        return levels_of(self.call("pictured", letters, *grey.shape), 28)

    def answers(self, images):
        rows = ("".join(chr(256 + level) for level in image.ravel().tolist()) for image in images)
        found = [self.call("answered", row) for row in rows]
        return [np.array(each) for each in zip(*found, strict=True)]


def levels_of(letters, side):
    codes = np.frombuffer(letters.encode("utf-16-le"), "<u2")
    return (codes - 256).astype(np.uint8).reshape(side, side)


@pytest.fixture
def open_page():
    """Open pages, and close their engines, whose threads would outlive the test."""
    opened = []

    def open_(model, examples=()):
        opened.append(Page(encode_export(model, "html", examples).decode()))
        return opened[-1]

    yield open_
    for page in opened:
        page.engine.close()


PATCHES = FeatureSpec("patches", sides=(5,), n_filters=4)
EXPANDED = {"n_directions": 20, "n_relus": 30, "n_squares": 20}
KINDS = [
    ("0v1", FeatureSpec()),
    ("2vrest", FeatureSpec()),
    ("even-odd", FeatureSpec("deskew")),
    ("digits", FeatureSpec()),
    ("digits", FeatureSpec("deskew")),
    ("digits", PATCHES),
    ("pairs", FeatureSpec()),
    ("digits", FeatureSpec("deskew+expansion", **EXPANDED)),
    ("pairs", replace(PATCHES, kind="patches+expansion", **EXPANDED)),
    ("digits", FeatureSpec("scattering")),
    ("digits", FeatureSpec("arrangements", n_codes=9)),
    (
        "digits",
        replace(
            PATCHES,
            kind="patches+expansion+scattering+expansion+arrangements+expansion",
            n_codes=9,
            **EXPANDED,
        ),
    ),
    ("even-odd", replace(PATCHES, kind="deskew+patches")),
]


def check_answers(page, model, images):
    """Features are bytes: where float32 lands beside a half, one may be one level off."""
    classifier = model.classifier
    features, scores, probabilities = page.answers(images)
    off = np.abs(features - classifier.raw_features(images).astype(int))
    assert off.max() <= 1
    # Of more numbers before an expansion more are one off, each of which moves several of its own.
    is_expanded = "scattering+expansion" in model.card.feature_spec.kind
    assert off.mean() < (2e-3 if is_expanded else 5e-4)
    same = ~off.any(axis=1)
    assert same.mean() > 0.85
    expected = classifier.linear_scores(images)
    np.testing.assert_allclose(scores[same], expected[same], rtol=0, atol=1e-9)
    np.testing.assert_allclose(scores, expected, rtol=0, atol=0.02)
    own = classifier.predict_proba(images)
    np.testing.assert_allclose(probabilities[same], own[same], rtol=0, atol=1e-9)
    assert (probabilities.argmax(axis=1) == own.argmax(axis=1)).all()


@pytest.mark.parametrize(("task", "features"), KINDS, ids=str)
def test_the_page_answers_as_the_model_does(task, features, small_mnist, open_page):
    settings = TrainingSettings(split=SplitSpec(limit=100), features=features)
    model = mnistcli.train(task, small_mnist, settings).model
    check_answers(open_page(model), model, small_mnist.train.images[:20])


def conformed(canvas):
    try:
        return mnistcli.conform(canvas).image
    except BadImageError:
        return None


def drawings(n, seed):
    rng = np.random.default_rng(seed)
    return [strokes_of(i % 10, rng) for i in range(n)]


def test_strokes_are_conformed_and_read_as_python_does(mnist, open_page):
    model = mnistcli.load_model("builtin")
    page = open_page(model)
    images = []
    for strokes in drawings(200, 0):
        canvas, image, *problem = page.drawn(strokes)
        expected = conformed(canvas)
        if expected is None:
            assert problem
            continue
        assert np.abs(image.astype(int) - expected).max() <= 1, strokes
        images.append(expected)
    assert len(images) > 195
    check_answers(page, model, np.stack(images[:80]))


@pytest.mark.torture
def test_a_thousand_canvases_have_the_same_answer(mnist, open_page):
    model = mnistcli.load_model("builtin")
    page, n_same = open_page(model), 0
    for strokes in drawings(1000, 1):
        canvas, image, *_ = page.drawn(strokes)
        expected = conformed(canvas)
        if image is None or expected is None:
            n_same += image is expected
            continue
        (answer,) = mnistcli.predict(model, expected).classes
        n_same += page.answers(image[None])[2][0].argmax() == answer
    assert n_same >= 999


@pytest.mark.parametrize(
    ("strokes", "problem"),
    [
        ([], "blank"),
        ([[[40, 40], [40, 120]], [[120, 40], [121, 120], [90, 120]]], "several"),
        ([[[x, y] for x in range(40, 120, 4) for y in (40, 120, 40)]], "filled"),
    ],
)
def test_what_is_no_digit_is_none_in_python_either(strokes, problem, mnist, open_page):
    page = open_page(mnistcli.load_model("builtin"))
    canvas, image, found = page.drawn(strokes)
    assert (image, found) == (None, problem)
    assert conformed(canvas) is None


def test_pictures_are_conformed_and_read_too(mnist, open_page):
    model, rng = mnistcli.load_model("builtin"), np.random.default_rng(0)
    page = open_page(model)
    digits, labels = (a[50_000:50_030] for a in (mnist.train.images, mnist.train.labels))
    large = [enlarged(digit, 6) for digit in digits]
    photographs = [on_paper(digit, rng, noise=4, shadow=0.4) for digit in large]
    for pictures in (digits, 255 - digits, large, photographs, [p[8:-8, :] for p in photographs]):
        images = np.stack([page.pictured(np.asarray(picture)) for picture in pictures])
        answers = mnistcli.predict(model, images).answers
        assert sum(int(a) == label for a, label in zip(answers, labels, strict=True)) >= 29
    assert (
        np.abs(np.stack([page.pictured(each) for each in digits]).astype(int) - digits).mean() < 2
    )
    with pytest.raises(JSEvalException, match="blank"):
        page.pictured(np.full((40, 30), 200, np.uint8))
    for size in ((28, 28), (280, 280), (100, 140)):
        with pytest.raises(JSEvalException, match="blank"):
            page.pictured(rng.integers(0, 256, size, dtype=np.uint8))


def test_paper_that_darkens_towards_the_border_is_no_ink_on_the_page_either(mnist, open_page):
    """Its border was ink: nothing was beyond it."""
    model = mnistcli.load_model("builtin")
    page = open_page(model)
    digits, labels = (a[50_000:50_010] for a in (mnist.train.images, mnist.train.labels))
    light = np.tile(210 - 110 / (1 + np.exp((155 - np.arange(168)) / 8)), (168, 1))
    for side in range(4):
        pictures = [np.rot90(light, side) * (1 - enlarged(each, 6) / 600) for each in digits]
        images = np.stack([page.pictured(each.astype(np.uint8)) for each in pictures])
        answers = mnistcli.predict(model, images).answers
        assert sum(int(a) == label for a, label in zip(answers, labels, strict=True)) >= 9


def test_of_an_expansion_a_little_more_ink_is_taken_apart(mnist, open_page):
    """Places are what the score changes by, for a small share more of every feature before."""
    features = FeatureSpec("pixels+expansion", **EXPANDED)
    settings = TrainingSettings(split=SplitSpec(limit=200), features=features)
    model = mnistcli.train("3v8", mnist, settings).model
    _, stage = model.classifier.features.chains["pixels"]
    image = mnist.train.images[7].ravel().astype(float)

    mixture, offset = stage.functions

    def score(x):
        s = (stage.arrays["directions"] @ x - stage.arrays["shift"]).astype(float) @ mixture
        ramps = np.clip(s[:30] + offset, 0, 255)
        values = np.concatenate([ramps, np.minimum(s[30:] ** 2, 255)])
        return float(values @ model.classifier.coef[0]) * model.classifier.scale

    page = open_page(model)
    page.engine.eval(f"const seen = model.look(Uint8Array.from({image.astype(int).tolist()}))")
    places = json.loads(page.engine.eval("JSON.stringify([...model.explain(seen, 1, 0).places])"))
    for i in np.argsort(-np.abs(places))[:5]:
        more, less = image.copy(), image.copy()
        more[i] *= 1.001
        less[i] *= 0.999
        assert (score(more) - score(less)) / 0.002 == pytest.approx(places[i], rel=0.02, abs=1e-4)


@pytest.mark.parametrize("task", ["3v8", "digits", "pairs"])
def test_why_is_what_explain_says(task, mnist, open_page):
    from mnistcli.prediction import explain

    model = mnistcli.train(task, mnist, TrainingSettings(split=SplitSpec(limit=300))).model
    image, names = mnist.train.images[7], model.card.class_names
    expected = explain(model, image)
    page = open_page(model)
    page.engine.eval(f"const image = new Uint8Array({image.ravel().tolist()})")
    k, other = names.index(expected.answer), names.index(expected.runner_up)
    got = page.call("((k, other) => model.explain(model.look(image), k, other))", k, other)
    places = np.array([got["places"][str(i)] for i in range(784)]).reshape(28, 28)
    np.testing.assert_allclose(places, expected.contributions, atol=1e-12)
    assert got["score"] == pytest.approx(expected.score, abs=1e-10)
    assert got["intercept"] == pytest.approx(expected.intercept, abs=1e-12)


def test_what_patches_add_up_to_is_the_difference_of_the_scores(mnist, open_page):
    page = open_page(mnistcli.load_model("builtin"))
    page.engine.eval(f"const seen = model.look({mnist.train.images[7].ravel().tolist()})")
    scores = json.loads(page.engine.eval("JSON.stringify(model.linearScores(seen))"))
    why = json.loads(page.engine.eval("JSON.stringify(model.explain(seen, 3, 8))"))
    assert why["score"] == pytest.approx(scores[3] - scores[8], abs=1e-9)
    assert len(why["places"]) == 36


# What the page has of its own, or Python under another name.
OF_THE_PAGE = """
    SIDE CANVAS PEN_RADIUS PAPER_REACH LEAST_CONTRAST NOISE WAVELET_WIDTH CODE_SIDE CODE_THRESHOLD
    SQUARED LEAST_PROBABILITY
"""


def test_constants_of_the_page_are_those_of_python(open_page):
    in_python = {}
    for package in (mnistcli.conforming, mnistcli.features):
        for each in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for name, value in vars(importlib.import_module(each.name)).items():
                if name.isupper():
                    in_python.setdefault(name.lstrip("_"), []).append(np.array(value).tolist())
    script = (_FOLDER / "numbers.js").read_text("utf-8")
    lines = re.findall(r"^const ([A-Z].*);$", script, re.MULTILINE)
    names = {*re.findall(r"\b([A-Z][A-Z_]+) =", "\n".join(lines))} - {*OF_THE_PAGE.split()}
    page = open_page(mnistcli.load_model("builtin"))
    assert len(names) > 45
    for name in names:
        value = json.loads(page.engine.eval(f"JSON.stringify({name})"))
        assert value in in_python.get(name, []), name


HOSTILE = '</script><img src=x onerror=alert(1)>{{card}}"&\u202e'


def test_words_from_outside_are_text(mnist, open_page):
    model = mnistcli.train("0v1", mnist, TrainingSettings(split=SplitSpec(limit=50))).model
    card = replace(model.card, command=HOSTILE, dataset=HOSTILE)
    page = open_page(replace(model, card=card, ref=HOSTILE))
    body = page.document.find("body")
    assert not body.findall(".//img")
    assert page.data["card"]["command"] == HOSTILE
    assert page.document.find("head/title").text == HOSTILE
    assert len(page.document.findall(".//script")) == 4
    # Nor could the scripts make elements of text.
    for name in ("numbers.js", "page.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|eval|fetch|XMLHttp|import\(",
            (_FOLDER / name).read_text("utf-8"),
        )


def test_the_page_asks_nothing_of_any_network_and_runs_only_its_own_scripts(open_page):
    from base64 import b64encode
    from hashlib import sha256

    page = open_page(mnistcli.load_model("builtin"))
    policy = page.document.find("head/meta[@http-equiv]").get("content")
    assert policy.startswith("default-src 'none'; ")
    elements = [page.document.find("head/style"), *page.document.findall(".//body/script")[-2:]]
    for element in elements:
        digest = b64encode(sha256(element.text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    for element in page.document.iter():
        assert not {key for key in element.keys() if re.match("on|style|src|href", key)}  # noqa: SIM118
    # Every script sees the text of its own element: nothing in it ends it early.
    assert elements[2].text == (_FOLDER / "page.js").read_text("utf-8")


def test_every_language_has_every_word_and_every_word_is_used(open_page):
    page = open_page(mnistcli.load_model("builtin"))
    english, *others = page.words.values()
    for other in others:
        assert other.keys() == english.keys()
        for word, text in english.items():
            assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", other[word]))
    text = page.text.replace(json.dumps(page.words, ensure_ascii=False), "")
    for word in english.keys() - {"name"}:
        assert f'"{word}"' in text, word
    for element in page.document.iter():
        assert element.get("data-word", "name") in english


def test_builtin_is_a_page_of_at_most_350_kb_with_examples(mnist, invoke, tmp_path):
    path = tmp_path / "digits.html"
    assert invoke("models", "export", "builtin", "--to", "html", "-o", str(path), "-q").code == 0
    assert path.stat().st_size <= 350_000
    page = Page(path.read_text("utf-8"))
    page.engine.close()
    shown = [(each["truth"], each["truth"] == each["answer"]) for each in page.data["examples"]]
    assert {(k, True) for k in range(10)} <= set(shown)
    assert 5 < len([truth for truth, is_right in shown if not is_right]) <= 60


def test_examples_are_test_images_with_their_answers(mnist):
    model = mnistcli.train("3v8", mnist, TrainingSettings(split=SplitSpec(limit=100))).model
    examples = examples_of(model, mnist)
    assert len(examples) == 24
    answers = model.classifier.predict(np.stack([each.image for each in examples]))
    facts = [each.facts for each in examples]
    assert [each["answer"] for each in facts] == ["38"[k] for k in answers]
    is_right = [each["truth"] == each["answer"] for each in facts]
    assert is_right == 2 * (6 * [True] + 6 * [False])


def test_a_page_without_its_dataset_has_no_examples(invoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ink = np.zeros((20, 28, 28), np.uint8)
    ink[::2, 4:24, 12:16] = 255
    ink[1::2, 4:24, 4:24] = 255
    ink[range(20), 27, range(20)] = 1  # none is another
    np.savez(tmp_path / "mine.npz", images=ink, labels=np.arange(20) % 2)
    invoke("download", "--source", "mine.npz", "--as", "mine", "--raw")
    assert invoke("train", "0v1", "--dataset", "mine", "-q").out == "0v1@1\n"
    invoke("download", "--remove", "mine", "--yes")
    ended = invoke("models", "export", "0v1", "--to", "html", "-o", "page.html")
    assert ended.code == 0, ended.err
    assert ended.err == "without examples: unknown dataset 'mine'\n"


def test_kept_digits_are_read_as_a_dataset(mnist, open_page, invoke, tmp_path):
    """Draw, collect, train: what the page writes is Kaggle's table, read by download."""
    page = open_page(mnistcli.load_model("builtin"))
    kept = []
    for i, strokes in enumerate(drawings(40, 3)):
        _, image, *_ = page.drawn(strokes)
        if image is not None:
            kept.append((i % 10, image))
    page.engine.eval(
        "const kept = "
        + json.dumps(
            [{"label": str(label), "image": image.ravel().tolist()} for label, image in kept]
        )
    )
    function = re.search(r"function csv\(\) \{.*?\n\}\n", page.script, re.DOTALL)[0]
    page.engine.eval(function)
    text = page.engine.eval("csv()")
    head, *rows = csv.reader(io.StringIO(text))
    assert head == ["label", *(f"pixel{i}" for i in range(784))]
    assert [int(row[0]) for row in rows] == [label for label, _ in kept]
    (tmp_path / "digits.csv").write_text(text)
    assert (
        invoke("download", "--source", str(tmp_path / "digits.csv"), "--as", "mine", "-q").code == 0
    )
    mine = mnistcli.open_dataset("mine")
    images = np.concatenate([mine.train.images, mine.test.images])
    assert sorted(map(bytes, images)) == sorted(image.tobytes() for _, image in kept)
    assert invoke("train", "digits", "--dataset", "mnist+mine", "--limit", "300", "-q").code == 0


def test_an_example_is_a_picture_of_the_image(mnist, open_page):
    from base64 import b64decode

    from PIL import Image

    image = mnist.train.images[0]
    page = open_page(
        mnistcli.load_model("builtin"), [CaptionedImage(image, facts={"truth": "5", "answer": "3"})]
    )
    (example,) = page.data["examples"]
    assert (example["truth"], example["answer"]) == (5, 3)
    picture = Image.open(io.BytesIO(b64decode(example["image"].partition(",")[2])))
    assert np.array_equal(np.asarray(picture), image)


def test_shares_are_never_all_or_nothing_by_rounding(mnist, open_page):
    settings = TrainingSettings(split=SplitSpec(limit=100))
    page = open_page(mnistcli.train("0v1", mnist, settings).model)
    (written,) = re.findall(r"^const percent = .*?;$", page.script, re.DOTALL | re.MULTILINE)
    page.engine.eval(f"let language = 'en'; {written}")
    shares = [0, 1e-9, 0.0004, 0.123, 0.9994, 0.99999, 1]
    said = page.engine.eval(f"{shares}.map(percent).join(' ')")
    assert said == "0.0% < 0.1% < 0.1% 12.3% 99.9% 99.9% 100.0%"
