"""The page about a model: true, whole, valid, and nothing in it from outside is markup."""

from __future__ import annotations

import base64
import io
import itertools
import json
import re
from dataclasses import replace

import html5lib
import numpy as np
import pytest
from PIL import Image

import mnistcli
from mnistcli.cli.content.parts import HeatMap
from mnistcli.cli.report.html import Markup, tag
from mnistcli.cli.report.page import heat_map, page
from mnistcli.cli.report.sections import markdown
from mnistcli.comparison import report_on_any
from mnistcli.evaluation import report_on
from mnistcli.registry.model_file import encode_model, read_model
from mnistcli.settings import FeatureSpec, SplitSpec, TrainingSettings

HTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def trained(invoke):
    def train(task):
        assert invoke("train", "--task", task, "--limit", "300", "-q").out == f"{task}@1\n"

    return train


def parsed(text):
    """Read a page as a browser does; any mistake in it is an error here."""
    parser = html5lib.HTMLParser(strict=True)
    return parser.parse(text)


def words(element):
    return " ".join("".join(element.itertext()).split()).replace("\xa0", " ")


@pytest.mark.parametrize("task", ["0v1", "2vrest", "digits", "pairs"])
def test_the_page_is_whole_valid_and_true(task, trained, invoke, tmp_path, mnist):
    trained(task)
    path = tmp_path / "report.html"
    done = invoke("report", "-o", str(path))
    assert (done.code, done.err) == (0, "")
    content = path.read_bytes()
    assert len(content) < 600_000
    assert done.out.startswith(
        f"Wrote  {path}, {len(content) / 1000:.1f} kB\nSays   {task}@1 tells "
    )
    text = content.decode()
    root = parsed(text)
    # nothing to fetch and nothing to run
    assert not root.findall(f".//{HTML}script")
    assert not root.findall(f".//{HTML}link")
    assert not re.search(r"src=\"(?!data:image/png;base64,)|href=\"(?!#)", text)
    assert "url(" not in text
    assert not re.search(r"\bnan\b|\binf\b|None", re.sub(r"base64,[^\"]*", "", text))
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    # every picture says what it is, and is the digit that it says
    images = root.findall(f".//{HTML}img")
    assert all(image.get("alt") for image in images)
    assert [svg.get("role") for svg in root.findall(f".//{SVG}svg")] == ["img"] * 3
    n_digits = 0
    for figure in root.findall(f".//{HTML}figure"):
        index = re.search(r"#(\d+)$", words(figure))
        if index:
            n_digits += 1
            source = figure.find(f"{HTML}img").get("src").partition(",")[2]
            pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(source))))
            assert np.array_equal(pixels, mnist.test.images[int(index[1])])
    assert n_digits >= 26
    # the numbers are those of evaluate
    judged = json.loads(invoke("evaluate", "--json").out)
    confusion = root.find(f".//{HTML}table[@class='matrix']")
    cells = [
        [0 if words(cell) == "·" else int(words(cell).replace(",", "")) for cell in row[1:]]
        for row in confusion.find(f"{HTML}tbody")
    ]
    assert cells == judged["confusion"]
    # and each leads to digits behind it
    names = judged["class_names"]
    for link in confusion.findall(f".//{HTML}a"):
        cell = next(each for each in root.iter() if each.get("id") == link.get("href")[1:])
        truth, answer = link.get("href")[1:].split("-taken-for-")
        n, title = int(words(link)), words(cell.find(f"{HTML}h3"))
        assert n == judged["confusion"][names.index(truth)][names.index(answer)]
        said = truth if truth == answer else f"{truth}, not {answer}"
        captions = [words(each)[: len(said)] for each in cell.iter(f"{HTML}figcaption")]
        assert captions == [said] * min(n, 6)
        assert title.endswith(f"all {n}" if n <= 6 else f"6 of {n:,}")
    assert len(confusion.findall(f".//{HTML}a")) == np.count_nonzero(cells)
    said = words(root.find(f".//{HTML}p[@class='verdict']"))
    assert (
        f"right on {judged['n_correct']:,} of {judged['n_samples']:,} images of mnist test" in said
    )
    assert f"{judged['accuracy']:.2%}".replace("%", " %") in said
    headings = [words(heading) for heading in root.findall(f".//{HTML}h2")]
    assert ("Each pair's own model" in headings) == (task == "pairs")
    assert {
        "Curves",
        "What it looks for",
        "Least certain",
        "How to get it again",
        "The card",
    } <= set(headings)
    assert f"mnistcli models reproduce {task}@1" in words(root)


def test_the_same_model_gives_the_same_page(trained, invoke, tmp_path):
    trained("0v1")
    for name in ("a.html", "b.html", "a.md", "b.md"):
        assert invoke("report", "0v1", "-o", str(tmp_path / name), "-q").out.endswith(f"{name}\n")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert (tmp_path / "a.md").read_bytes() == (tmp_path / "b.md").read_bytes()


def test_a_model_that_looks_at_patches_shows_them(mnist):
    settings = TrainingSettings(
        split=SplitSpec(limit=300), features=FeatureSpec("patches", sides=(5, 7), n_filters=3)
    )
    model = replace(mnistcli.train("3v8", mnist, settings).model, ref="3v8@1")
    root = parsed(page(report_on(model, mnist)))
    captions = [words(each) for each in root.findall(f".//{HTML}figcaption")]
    assert {f"{side} x {side} #{i}" for side in (5, 7) for i in range(3)} <= set(captions)


HOSTILE = "x'\"><script>alert(1)</script>&amp;`|*_[a](b)"


def test_what_comes_from_outside_is_text(trained, invoke, home, tmp_path, mnist):
    trained("0v1")
    model = read_model(home / "models" / "0v1" / "1.safetensors")
    card = replace(model.card, command=f"mnistcli train {HOSTILE}\n```\n# no", created=HOSTILE)
    report = report_on(replace(model, card=card, ref=HOSTILE), mnist)
    text = page(report)
    root = parsed(text)
    assert not root.findall(f".//{HTML}script")
    assert words(root.find(f".//{HTML}h1")) == HOSTILE
    assert words(root.find(f".//{HTML}title")) == f"{HOSTILE}: a report"
    lines = markdown(report).splitlines()
    assert lines[0] == ("# x'\"\\>\\<script\\>alert(1)\\</script\\>\\&amp;\\`\\|\\*\\_\\[a\\](b)")
    assert sum(line.startswith("```") for line in lines) == 2
    fence = replace(model, card=replace(card, command="```"), ref="x")
    assert markdown(report_on(fence, mnist)).count("```") == 2
    named = tmp_path / "a&b<c>.safetensors"
    named.write_bytes(encode_model(model))
    assert invoke("report", str(named), "-o", str(tmp_path / "r.html")).code == 0
    assert "a&amp;b&lt;c&gt;.safetensors" in (tmp_path / "r.html").read_text()


def test_notes_stand_where_the_numbers_are(trained, invoke, tmp_path):
    trained("0v1")
    assert 'class="warning"' not in page_of(invoke, tmp_path, "0v1")
    invoke("train", "--task", "0v1", "--max-iter", "1", "--name", "short", "-q")
    root = parsed(page_of(invoke, tmp_path, "short"))
    note = words(root.find(f".//{HTML}p[@class='warning']"))
    assert note.startswith("short@1 did NOT converge")
    done = invoke("report", "short", "-o", str(tmp_path / "r.md"), "-q")
    assert done.err == f"warning: {note}\n"
    assert note in (tmp_path / "r.md").read_text()


def page_of(invoke, tmp_path, ref):
    assert invoke("report", ref, "-o", str(tmp_path / "r.html"), "-q").code == 0
    return (tmp_path / "r.html").read_text()


@pytest.mark.parametrize(
    ("n_wrong", "title"), [(1, "The only mistake"), (2, "All mistakes"), (30, "Mistakes")]
)
def test_the_mistakes_are_counted(mnist, n_wrong, title):
    model = mnistcli.train("0v1", mnist, TrainingSettings(split=SplitSpec(limit=100))).model
    report = report_on(replace(model, ref="x"), mnist)
    evaluation = replace(
        report.judged.evaluation, n_correct=report.judged.evaluation.n_samples - n_wrong
    )
    mistakes = (report.judged.images_at([0]) * 24)[:n_wrong]
    judged = replace(report.judged, evaluation=evaluation)
    text = page(replace(report, judged=judged, mistakes=mistakes))
    assert f"<h2>{title}</h2>" in text
    assert ("The worst 24 of 30. " in text) == (n_wrong == 30)


def test_curves_that_there_are_none_of_are_not_drawn(mnist):
    model = mnistcli.train("0v1", mnist, TrainingSettings(split=SplitSpec(limit=100))).model
    of_ones = np.flatnonzero(mnist.test.labels == 1)[:50]
    ones = mnistcli.LabelledImages(mnist.test.images[of_ones], mnist.test.labels[of_ones])
    report = report_on(replace(model, ref="x"), replace(mnist, test=ones, sha256="0" * 64))
    assert "ROC of" not in page(report)
    assert "Reliability" in page(report)


def test_cells_are_shaded_by_their_share_of_the_row():
    confusion = np.array([[90, 10], [450, 450], [0, 0]])[:, [0, 1]]
    text = heat_map(HeatMap.of_confusion(np.pad(confusion, ((0, 0), (0, 1))), ("a", "b", "c")))
    cells = re.findall(r'<td class="([a-z ]+)" style="--strength:([0-9.]+)">(\d+)</td>', text)
    assert cells == [
        ("right strong", "0.98", "90"), ("wrong", "0.62", "10"),
        ("wrong", "0.62", "450"), ("right", "0.50", "450"),
    ]  # fmt: skip


def test_elements_escape_what_is_text():
    assert tag("p", "1 < 2", Markup("<br>"), title='"') == '<p title="&quot;">1 &lt; 2<br></p>'
    assert (
        tag("line", x1=1 / 3, stroke_width=2, class_=None)
        == '<line x1="0.33" stroke-width="2"></line>'
    )
    assert tag("img", alt="<") == '<img alt="&lt;">'


def test_markdown_for_a_readme(trained, invoke, tmp_path):
    trained("digits")
    path = tmp_path / "report.md"
    assert invoke("report", "digits", "-o", str(path)).code == 0
    lines = path.read_text().splitlines()
    assert lines[0] == "# digits@1"
    judged = json.loads(invoke("evaluate", "--json").out)
    interval = "{:.2f} to {:.2f} %".format(*(100 * end for end in judged["accuracy_interval"]))
    accuracy = f"{100 * judged['accuracy']:.2f} %"
    assert f"| Accuracy | {accuracy} ({interval}) |" in lines
    start = lines.index("## What is taken for what") + 4
    counts = [
        [int(cell.strip().replace(",", "") or 0) for cell in line.split("|")[2:-1]]
        for line in lines[start : start + 10]
    ]
    assert counts == judged["confusion"]
    # every table has as many cells in each row
    for before, line in itertools.pairwise(lines):
        if before.startswith("|") and line.startswith("|"):
            assert before.count(" |") == line.count(" |"), line
    assert "mnistcli models reproduce digits@1" in lines


def test_other_names_of_files_and_formats(trained, invoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = invoke("report", "-o", "report.pdf")
    assert (done.code, done.out) == (2, "")
    assert "end the name in .html or .md" in done.err
    assert invoke("report").code == 5
    trained("0v1")
    found = json.loads(invoke("report", "--json").out)
    assert (found["path"], found["model"], found["on"]) == ("report.html", "0v1@1", "mnist test")
    assert found["n_bytes"] == (tmp_path / "report.html").stat().st_size
    header, row = invoke("report", "--tsv").out.splitlines()
    assert dict(zip(header.split("\t"), row.split("\t"), strict=True))["path"] == "report.html"


@pytest.fixture
def two(invoke):
    """The names of a worse and a better model, of two digits or of all ten."""

    def train(task):
        options = ("--C", "1e-6"), ("--C", "0.1")
        return [
            invoke("train", "-t", task, "--limit", "300", *each, "-q").out.strip()
            for each in options
        ]

    return train


@pytest.mark.parametrize("task", ["3v8", "digits"])
def test_two_models_on_one_page(two, task, invoke, tmp_path, mnist):
    worse, better = two(task)
    path = tmp_path / "two.html"
    done = invoke("report", worse, better, "-o", str(path), "--json")
    assert (done.code, done.err) == (0, "")
    document = json.loads(done.out)
    compared = json.loads(invoke("compare", worse, better, "--json").out)
    best, other = compared["models"]
    assert (
        (document["model"], document["other"]) == (better, worse) == (best["model"], other["model"])
    )
    accuracies = document["accuracy"], document["other_accuracy"]
    assert accuracies == (best["evaluation"]["accuracy"], other["evaluation"]["accuracy"])
    root = parsed(path.read_text())
    assert not root.findall(f".//{HTML}script")
    assert not re.search(r"\bnan\b|None", re.sub(r"base64,[^\"]*", "", path.read_text()))
    assert words(root.find(f".//{HTML}h1")) == f"{better} and {worse}"
    said = [words(each) for each in root.findall(f".//{HTML}p[@class='verdict']")]
    assert said == [document[name] for name in ("verdict", "other_verdict", "comparison")]
    assert "McNemar's exact test, p" in said[2]
    # the table of compare, with what each costs
    tables = root.findall(f".//{HTML}table")
    (_, *costs), *_ = rows = [
        [words(cell) for cell in row] for row in tables[0].find(f"{HTML}tbody")
    ]
    assert [row[0] for row in rows] == [better, worse]
    assert costs[1].startswith(f"{accuracies[0]:.4f} ")
    # words stand left and numbers right, with headings over them; what is moved sideways has a name
    headings = {words(each): each.get("class") for each in tables[0].iter(f"{HTML}th")}
    assert headings["model"] == headings["differs in"] == headings[worse] == "left"
    assert headings["p-value"] is headings["predict"] is None
    names = [each.get("aria-label") for each in root.findall(f".//{HTML}div[@class='scrolling']")]
    assert f"{better}, {worse}" in names
    assert all(name and name[0].isalnum() for name in names)
    for named in re.findall(r'\[aria-label="([^"]*)"\]', path.read_text()):
        assert named in names, "a style of what there is not"
    (pair,) = compared["pairs"]
    assert rows[1][4] == f"{pair['n_only_second']:,} : {pair['n_only_first']:,}"
    # the two matrices
    matrices = [
        [
            [int(words(cell).replace("·", "0")) for cell in row[1:]]
            for row in each.find(f"{HTML}tbody")
        ]
        for each in root.findall(f".//{HTML}table[@class='matrix']")
    ]
    assert matrices == [each["evaluation"]["confusion"] for each in compared["models"]]
    # curves of one class by both, each its own line; both reliabilities
    svgs = root.findall(f".//{SVG}svg")
    assert len(svgs) == 4
    for svg in svgs[:2]:
        names = {words(line) for line in svg.findall(f"{SVG}polyline/{SVG}title")}
        assert {name.partition(" by ")[2] for name in names} == {better, worse}
        assert len({name.partition(" by ")[0] for name in names}) == 1
    is_told = re.search(f"Of \\d, which {better} tells worst", path.read_text())
    assert bool(is_told) == (task == "digits")
    # what exactly one gets wrong is drawn, and is what it says
    headings = [words(heading) for heading in root.findall(f".//{HTML}h2")]
    assert {f"Only {better} is right", f"Only {worse} is right"} <= set(headings)
    wrong = {
        ref: {int(each["index"]): each["answer"] for each in mistakes_of(invoke, ref)}
        for ref in (better, worse)
    }
    n_shown = 0
    for section in root.findall(f".//{HTML}section"):
        right = words(section.find(f"{HTML}h2")).removeprefix("Only ").removesuffix(" is right")
        for figure in section.findall(f".//{HTML}figure") if right in wrong else ():
            truth, answer, index = re.match(r"(\d), not (\d).* % #(\d+)$", words(figure)).groups()
            (other_one,) = {better, worse} - {right}
            assert wrong[other_one][int(index)] == answer
            assert int(index) not in wrong[right]
            assert str(mnist.test.labels[int(index)]) == truth
            n_shown += 1
    assert n_shown == min(pair["n_only_first"], 24) + min(pair["n_only_second"], 24)
    assert len(root.findall(f".//{HTML}details")) == 2
    assert all(f"mnistcli models reproduce {ref}" in words(root) for ref in (better, worse))


def mistakes_of(invoke, ref):
    return json.loads(invoke("evaluate", ref, "--mistakes", "10000", "--json").out)["mistakes"]


def test_two_models_in_markdown(two, invoke, tmp_path):
    worse, better = two("3v8")
    done = invoke("report", worse, better, "-o", str(tmp_path / "two.md"))
    assert done.out.count("\nSays ") == 3
    lines = (tmp_path / "two.md").read_text().splitlines()
    assert lines[0] == f"# {better} and {worse}"
    for ref in (better, worse):
        assert f"### {ref}" in lines
        assert f"## How to get {ref} again" in lines
        assert f"## The card of {ref}" in lines
        assert f"mnistcli models reproduce {ref}" in lines
    assert any(line.startswith(f"| {worse} | C = 1e-06 | 0.") for line in lines)
    for before, line in itertools.pairwise(lines):
        if before.startswith("|") and line.startswith("|"):
            assert before.count(" |") == line.count(" |"), line


def test_what_two_models_must_be(two, trained, invoke, tmp_path, home, monkeypatch):
    monkeypatch.chdir(tmp_path)
    worse, better = two("3v8")
    file = str(home / "models" / "3v8" / "1.safetensors")
    for models in ([worse, worse], ["3v8", better], [worse, file], [worse, better, worse]):
        done = invoke("report", *models)
        assert (done.code, done.out) == (2, "")
        error, hint = done.err.splitlines()
        assert error.startswith(
            "error: a report is about one model, or two different ones, not about "
        )
        assert hint.startswith("hint: see mnistcli models list")
    trained("0v1")
    refused = invoke("report", worse, "0v1")
    assert (refused.code, refused.err) == (2, invoke("compare", worse, "0v1").err)
    assert not (tmp_path / "report.html").exists()


def test_what_comes_from_outside_is_text_of_two_too(mnist):
    split = SplitSpec(limit=60)
    models = [
        mnistcli.train("0v1", mnist, TrainingSettings(split=replace(split, seed=seed))).model
        for seed in (0, 1)
    ]
    hostile = [
        replace(m, ref=f"{HOSTILE}{i}", card=replace(m.card, command="`<", created=HOSTILE))
        for i, m in enumerate(models)
    ]
    assert "models reproduce" not in markdown(report_on_any(models, mnist))  # they are not saved
    hostile = [replace(model, n_bytes=1) for model in hostile]
    report = report_on_any(hostile, mnist)
    root = parsed(page(report))
    assert not root.findall(f".//{HTML}script")
    assert words(root.find(f".//{HTML}h1")).count(HOSTILE) == 2
    text = markdown(report)
    assert "<script" not in text.replace("\\<script", "")
    assert text.count("```") == 4
