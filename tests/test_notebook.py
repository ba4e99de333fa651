"""What results look like at a Python prompt and in a notebook's cell."""

from __future__ import annotations

import inspect
import json
import os
import pickle
import re
import subprocess
import sys
import traceback
from dataclasses import replace
from pathlib import Path

import html5lib
import numpy as np
import pytest

import mnistcli
from mnistcli.errors import UsageError
from mnistcli.progress import SILENT, CellLine, usual

NOTEBOOK = Path(__file__).with_name("notebook.ipynb")


@pytest.fixture(scope="module")
def results(mnist):
    """One of each, by the name of its class."""
    split, folds = mnistcli.SplitSpec(limit=60), mnistcli.FoldSpec(2)
    settings = mnistcli.TrainingSettings(split=split, folds=folds, search=True)
    training = mnistcli.train("1v7vrest", mnist, settings)
    better = mnistcli.train(
        "1v7vrest", mnist, mnistcli.TrainingSettings(split=replace(split, limit=90))
    )
    model, image = training.model, mnist.test.images[0]
    judged = mnistcli.evaluate(model, mnist)
    many = [
        mnist, mnist.train, training, training.evaluation, training.cross_validation, model, judged,
        judged.curves(), mnistcli.predict(model, mnist.test.images[:50]),
        mnistcli.compare([model, better.model], mnist, n_disagreements=3),
        mnistcli.explain(model, image), mnistcli.conform(255 - image), mnistcli.show(image),
        mnistcli.report(model, dataset=mnist), judged.mistakes(3)[0],
        mnistcli.report([model, better.model], dataset=mnist),
    ]  # fmt: skip
    return {type(each).__name__: each for each in many}


DRAWN = (
    "Dataset", "LabelledImages", "Training", "Evaluation", "CrossValidation", "Model", "JudgedModel",
    "Curves", "Predictions", "Comparison", "Explanation", "Conformed", "Gallery", "Report",
    "ReportOnTwo", "CaptionedImage",
)  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_a_result_has_a_line_a_table_and_html(results, name):
    result = results[name]
    assert re.fullmatch(rf"<{name}: .{{1,420}}>", repr(result))
    assert str(result) != repr(result)
    assert "\x1b" not in str(result)
    html = result._repr_html_()
    root = html5lib.HTMLParser(strict=True).parseFragment(html)
    (cell,) = root
    assert cell.get("class").startswith("mnistcli")
    assert not re.search(r"<script|<link|(src|href)=\"(?!data:image/png;base64,|#)|@import", html)
    assert not re.search(r"\bnan\b|\binf\b|None", re.sub(r"base64,[^\"]*", "", html))
    assert len(html) < 300_000
    # nothing of the style sheet is meant for what else is on the page
    style = re.search("<style>(.*?)</style>", html, re.DOTALL)[1]
    selectors = re.findall(r"^([^\s@}/][^{]*)\{", style, re.MULTILINE)
    assert all(".mnistcli" in each or ".page" in each for each in selectors)


@pytest.mark.parametrize(
    "of",
    [
        lambda results: results["Training"].fit,
        lambda results: results["Training"].choice,
        lambda results: results["Training"].model.card,
        lambda results: results["Training"].model.classifier,
        lambda results: results["JudgedModel"].samples,
        lambda results: results["Curves"][0],
        lambda results: results["Curves"][0].roc,
    ],
)
def test_what_is_not_drawn_has_a_line(results, of):
    assert len(repr(of(results))) < 450
    assert str(of(results)) == repr(of(results))
    assert of(results)._repr_html_() is None


def test_text_is_plain_in_a_notebook_too(results, monkeypatch):
    expected = str(results["Training"])
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert str(results["Training"]) == expected


def test_lines_say_what_matters(results):
    assert repr(results["Dataset"]) == "<Dataset: mnist, 60,000 training and 10,000 test images>"
    score = f"{results['Evaluation'].n_correct:,} of 10,000"
    assert repr(results["Training"]) == f"<Training: 1v7vrest, {score} of the test images right>"
    assert repr(results["JudgedModel"]) == f"<JudgedModel: a model on mnist test, {score} right>"
    answers = ", ".join(results["Predictions"].answers[:10])
    assert repr(results["Predictions"]) == f"<Predictions: 50 answers: {answers}, ...>"
    assert repr(results["Model"]) == "<Model: not saved, 1v7vrest>"
    better, worse = (each.model.ref for each in results["Comparison"].judged)
    compared = f"<Comparison: {better} before {worse}, by accuracy on mnist test>"
    assert repr(results["Comparison"]) == compared
    assert repr(results["Gallery"]) == "<Gallery: 1 picture>"


def test_help_shows_signatures_that_can_be_read():
    for name in dir(mnistcli):
        asked = getattr(mnistcli, name)
        if inspect.isfunction(asked):
            assert len(str(inspect.signature(asked))) < 300, name


def test_one_of_them_is_no_several(mnist):
    one = mnistcli.predict("builtin", mnist.test.images[:1])
    assert repr(one) == "<Predictions: 1 answer: 7>"
    few = mnistcli.LabelledImages(mnist.test.images[:1], [7])
    assert (repr(few), str(few)) == ("<LabelledImages: 1 image>", "1 image: 1 of 7")


def test_tables_are_those_of_the_terminal(results, invoke, mnist):
    assert invoke("train", "1v7vrest", "--limit", "300", "-q").code == 0
    judged = mnistcli.evaluate(mnistcli.load_model("1v7vrest@1"), mnist)
    assert str(judged) == invoke("evaluate").out.rstrip("\n")
    assert "1,028 of 7" in str(results["Dataset"])
    assert str(results["Predictions"]).count("\n") == 52


def test_unsaved_models_are_told_apart(results):
    names = {each.model.ref for each in results["Comparison"].judged}
    assert names == {"model 1", "model 2"}
    assert "model 1" in str(results["Comparison"])


def test_answers_are_names(results):
    predictions = results["Predictions"]
    assert predictions.answers.tolist() == [name for name, _ in predictions]
    assert len(predictions) == len(predictions.images) == 50


def test_show_takes_images_of_any_kind(mnist):
    image = mnist.train.images[7]
    for same in (
        image,
        image[None],
        image.ravel(),
        image.reshape(1, -1),
        image.astype(int),
        image / 255,
    ):
        (picture,) = mnistcli.show(same)
        assert np.array_equal(picture.image, image)
    assert len(mnistcli.show(mnist.train.images[:3])) == 3
    many = mnistcli.show(mnist.test)
    assert len(many) == 10_000
    assert str(many).endswith("the first 40 of 10,000")
    assert "the first 40 of 10,000" in many._repr_html_()
    assert mnistcli.show(image > 127)[0].image.max() == 255
    signed = mnistcli.show(image.astype(float) - 128)[0].image
    assert (signed.min(), signed.dtype) == (-1.0, float)
    for odd in (
        np.zeros((0, 28, 28)),
        np.zeros((1, 2, 3, 4)),
        7,
        "seven",
        [["a"]],
        np.ones((28, 28, 3)),
    ):
        with pytest.raises(mnistcli.MnistCliError, match=r"images are grey"):
            mnistcli.show(odd)


def test_pictures_of_results_are_galleries(results):
    judged, report = results["JudgedModel"], results["Report"]
    mistakes = judged.mistakes(3)
    assert len(mistakes) == 3
    for pictures in (mistakes, report.least_certain, results["Comparison"].disagreements):
        assert repr(pictures) == f"<Gallery: {len(pictures)} pictures>"
        assert pictures._repr_html_().count("<figure") == len(pictures)
    again = pickle.loads(pickle.dumps(mnistcli.weights(judged.model)))  # noqa: S301 - our own
    assert len(again) == 3
    assert "{plus}" in again.legend


def test_mistakes_can_be_of_one_kind(results, mnist):
    model = results["Model"]
    some = mnistcli.mistakes(model, mnist, truth=1, answer="rest", n=5)
    assert {(each.facts["truth"], each.facts["answer"]) for each in some} == {("1", "rest")}
    assert len(mnistcli.mistakes(model, mnist)) == 24
    assert "mistake" in some._repr_html_()
    assert "not answer" in str(some)


def test_every_cell_of_a_confusion_matrix_leads_to_its_digits(results):
    judged = results["JudgedModel"]
    html = judged._repr_html_()
    links = set(re.findall(r'href="#([^"]*)"', html))
    assert len(links) == np.count_nonzero(judged.evaluation.confusion)
    assert links == set(re.findall(r'id="([^"]*)" class="behind"', html))
    assert html == judged._repr_html_()
    # and not to those of another cell
    assert not links & set(re.findall(r'id="([^"]*)"', results["Report"]._repr_html_()))


def test_weights_are_pixels_or_patches(results, mnist):
    weights = mnistcli.weights(results["Model"])
    assert [each.caption for each in weights] == ["for 1", "for 7", "for rest"]
    assert "red: ink here speaks for it" in weights._repr_html_()
    assert "+ #: ink here speaks for it" in str(weights)
    builtin = mnistcli.weights(mnistcli.load_model("builtin"))
    assert builtin[0].caption.startswith("5 x 5")


def test_a_report_is_shown_or_written(results, mnist, tmp_path):
    path = tmp_path / "model.html"
    report = mnistcli.report(results["Model"], path, mnist)
    assert "<h1>1v7vrest</h1>" in path.read_text()
    assert "<h1>1v7vrest</h1>" in report._repr_html_()
    with pytest.raises(mnistcli.MnistCliError, match="cannot write a report to"):
        mnistcli.report(results["Model"], tmp_path / "model.pdf", mnist)


def test_words_from_outside_stay_words(results):
    model = replace(results["Model"], ref="<script>\x1b[31m")
    assert "<script>" not in model._repr_html_()
    assert "\x1b" not in str(model)


class Handle:
    def __init__(self):
        self.shown = []

    def update(self, data, *, raw):
        self.shown.append(data["text/plain"])


def test_progress_in_a_cell_is_a_line_that_goes_away(monkeypatch):
    line = CellLine()
    line.update("fit", 1, 2)
    assert line._handle is None  # not yet
    line._handle = handle = Handle()
    monkeypatch.setattr("time.monotonic", lambda: line._started + 7)
    line.update("fit", 3, 4)
    line.update("fit", 4, 4)
    line.update("download", 4, None)
    line.stop()
    assert handle.shown == [f"fit |{'█' * 22}{' ' * 8}| 75%, 7 s", ""]
    CellLine().stop()
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert usual() is SILENT
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    assert isinstance(usual(), CellLine)


def test_the_notebook_of_the_seed_in_eight_lines(tmp_path, home):
    """A digit; 2 or not; folds, confusion matrix, precision, recall; ROC. On 2,000 images here."""
    content = json.loads(NOTEBOOK.read_text("utf-8"))
    code = ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == "code"]
    assert sum(len(list(filter(None, each.split("\n")))) for each in code) <= 8
    text = NOTEBOOK.read_text("utf-8").replace(
        "FoldSpec(3))", "FoldSpec(3), split=mnistcli.SplitSpec(limit=2000))"
    )
    (tmp_path / "fast.ipynb").write_text(text, "utf-8")
    command = ["nbconvert", "--execute", "--to", "notebook", "--output", "done.ipynb", "fast.ipynb"]
    env = {**os.environ, "MNISTCLI_HOME": str(home), "PYTHONPATH": str(NOTEBOOK.parents[1])}
    env = {**env, "PYTHONWARNINGS": "", "JUPYTER_PREFER_ENV_PATH": "1", "HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-m", *command], env=env, cwd=tmp_path, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr.decode()
    cells = json.loads((tmp_path / "done.ipynb").read_text("utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    drawn = [each["data"] for each in outputs if each["output_type"] == "execute_result"]
    assert {each["output_type"] for each in outputs} <= {"execute_result", "display_data"}
    picture, training, curves = ("".join(each["text/html"]) for each in drawn)
    assert picture.count("<figure>") == 1
    for words in ("Folds", "mean 0.9", "truth ↓", "precision", "recall", "f1-score", "To beat"):
        assert words in training
    assert curves.count("<svg") == 2
    assert all(len("".join(each["text/plain"])) < 450 for each in drawn)


def test_a_traceback_has_the_hint():
    with pytest.raises(mnistcli.MnistCliError) as caught:
        mnistcli.parse_task("0v")
    assert "\nhint: did you mean " in "".join(traceback.format_exception(caught.value))


def test_only_public_names_are_listed():
    assert dir(mnistcli) == mnistcli.__all__


def test_wherever_a_model_or_a_dataset_is_taken_its_name_does(mnist):
    settings = mnistcli.TrainingSettings(split=mnistcli.SplitSpec(limit=60))
    training = mnistcli.train("0v1", "mnist", settings)
    assert training.model.card.dataset_sha256 == mnist.sha256
    entry = mnistcli.save_model(training.model)
    ref = entry.ref
    model, image = mnistcli.load_model(ref), mnist.test.images[3]
    assert mnistcli.load_model(model) is model
    for path in (entry.path, str(entry.path)):
        assert mnistcli.load_model(path).card == model.card
    judged = mnistcli.evaluate("0v1", "mnist")
    assert repr(judged) == repr(mnistcli.evaluate(model, mnist)) == repr(mnistcli.evaluate(ref))
    assert repr(mnistcli.mistakes("0v1", "mnist")) == repr(mnistcli.mistakes(model))
    compared = mnistcli.compare(["0v1", training.model], "mnist")
    assert [each.model.ref for each in compared.judged] == [ref, "model 2"]
    assert repr(mnistcli.compare(["0v1", training.model])) == repr(compared)
    assert mnistcli.predict("0v1", image).answers == mnistcli.predict(model, image).answers
    assert mnistcli.explain("0v1", image).score == mnistcli.explain(model, image).score
    assert mnistcli.weights("0v1", model)[0].facts == mnistcli.weights(model)[0].facts
    assert mnistcli.report("0v1", dataset="mnist").judged.model.ref == ref
    assert len(mnistcli.report(["0v1", training.model]).compared.judged) == 2
    assert [[d.answer for d in line] for line in mnistcli.read_numbers("0v1", 255 - image)] == [
        ["0"]
    ]
    with pytest.raises(mnistcli.MnistCliError, match="no model"):
        mnistcli.evaluate("0v7")
    with pytest.raises(mnistcli.MnistCliError, match="dataset"):
        mnistcli.train("0v1", "no")


@pytest.mark.parametrize("kind", ["Digits", "int", "bytes", "list"])
def test_what_is_no_model_is_one_clear_error(kind, mnist):
    thing = mnistcli.Digits() if kind == "Digits" else {"int": 3, "bytes": b"x", "list": []}[kind]
    image = mnist.test.images[:1]
    for ask in (
        lambda: mnistcli.load_model(thing),
        lambda: mnistcli.save_model(thing),
        lambda: mnistcli.predict(thing, image),
        lambda: mnistcli.explain(thing, image),
        lambda: mnistcli.evaluate(thing, mnist),
        lambda: mnistcli.mistakes(thing),
        lambda: mnistcli.weights(thing),
    ):
        with pytest.raises(UsageError, match=f"^{kind} is no model"):
            ask()


@pytest.mark.parametrize(
    ("call", "problem", "hint"),
    [
        (lambda m: m.parse_task(5), "'5' is not a task: it is no text but int", "tasks look like"),
        (
            lambda m: m.train(("0", "1")),
            "is not a task: it is no text but tuple",
            "tasks look like",
        ),
        (lambda m: m.train("0v1", settings={"C": 1}), "settings = {'C': 1}", "TrainingSettings"),
        (lambda m: m.TrainingSettings(folds=3), "folds = 3 makes no sense", "takes a FoldSpec"),
        (
            lambda m: m.TrainingSettings(split=0.2),
            "split = 0.2 makes no sense",
            "takes a SplitSpec",
        ),
        (lambda m: m.TrainingSettings(solver="saga"), "solver = 'saga'", "takes a SolverSettings"),
        (lambda m: m.TrainingSettings(features="patches"), "features = 'patches'", "a FeatureSpec"),
        (lambda m: m.evaluate("builtin", on="val"), "'val' is no part", "choose from train, test"),
        (lambda m: m.mistakes("builtin", n=-1), "n = -1 makes no sense", "whole number, 0 to"),
        (
            lambda m: m.mistakes("builtin", n="all"),
            "n = 'all' makes no sense",
            "whole number, 0 to",
        ),
        (lambda m: m.compare("builtin"), "takes two models or more", "mnistcli compare"),
        (lambda m: m.compare(m.load_model("builtin")), "takes two models or more", "compare"),
        (lambda m: m.compare(None), "takes two models or more", "compare"),
        (
            lambda m: m.open_dataset(None),
            "NoneType is not images and their labels",
            "give images and",
        ),
        (lambda m: m.open_dataset("MNIST"), "unknown dataset 'MNIST'", "did you mean mnist?"),
        (lambda m: m.open_dataset("fashion"), "unknown dataset 'fashion'", "fashion-mnist?"),
        (lambda m: m.show([[1], [1, 2]]), "pictures in one array are all of one size", ""),
        (lambda m: m.show([[-np.inf, 0], [0, 0]]), "the picture holds -inf", ""),
    ],
)
def test_what_a_function_cannot_take_is_one_line_with_a_hint(call, problem, hint):
    with pytest.raises(UsageError) as caught:
        call(mnistcli)
    assert problem in caught.value.message
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message
