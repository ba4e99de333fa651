"""``mnistcli curve``: the table, the chart, the files, and what is refused."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import pytest

from mnistcli.cli.content.plots import axis_for
from mnistcli.model_selection import design

CURVE = ("curve", "-t", "3v8", "--limit", "40,80", "--seeds", "2")


def test_the_table_and_the_chart_fit_a_terminal(invoke, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = invoke(*CURVE, "--C", "0.01,1").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[:2] for line in lines[3:7]] == [
        ["0.01", "40"], ["0.01", "80"], ["1", "40"], ["1", "80"],
    ]  # fmt: skip
    assert "a  C = 0.01" in lines
    assert "b  C = 1" in lines


def test_rows_and_lines_are_the_points(invoke):
    header, *rows = (line.split("\t") for line in invoke(*CURVE, "--tsv").out.splitlines())
    records = [json.loads(line) for line in invoke(*CURVE, "--jsonl").out.splitlines()]
    assert len(rows) == len(records) == 4
    for row in rows:
        cells = dict(zip(header, row, strict=True))
        (record,) = [
            r
            for r in records
            if (str(r["limit"]), str(r["seed"])) == (cells["limit"], cells["seed"])
        ]
        assert repr(record["accuracy"]) == cells["accuracy"]
        assert int(cells["peak_memory_bytes"]) > 10**7


def test_quiet_is_the_best_place(invoke):
    document = json.loads(invoke(*CURVE, "--json").out)
    best = max(document["means"], key=lambda each: each["accuracy"])
    low, high = (f"{100 * end:.2f}" for end in best["over_images"])
    said = f"Best: {100 * best['accuracy']:.2f} % of 1,984 test images right, the mean of 2 seeds, with"
    out = " ".join(invoke(*CURVE).out.split())
    assert f"{said} {best['n_train']} training images (95 % intervals: over the seeds" in out
    assert f"over the images {low} to {high} %)." in out
    assert invoke(*CURVE, "-q").out == f"{best['x']}\n"
    assert invoke("curve", "-t", "0v1", "--limit", "1000,2000", "-q").out.strip().isdecimal()


def test_an_interrupted_run_goes_on(invoke, tmp_path):
    path = tmp_path / "points.jsonl"
    whole = json.loads(invoke(*CURVE, "--resume", str(path), "--json").out)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:2]) + lines[2][:50])
    again = json.loads(invoke(*CURVE, "--resume", str(path), "--json").out)
    kept = [json.loads(line)["fit_seconds"] for line in lines[:2]]
    assert set(kept) <= {p["fit_seconds"] for p in again["points"]}  # those are not trained again
    assert len(path.read_text().splitlines()) == 4
    assert [p["accuracy"] for p in again["points"]] == [p["accuracy"] for p in whole["points"]]
    places = [(p["limit"], p["seed"]) for p in again["points"]]
    assert places == [(40, 0), (40, 1), (80, 0), (80, 1)]  # as they were asked for


def test_ctrl_c_leaves_the_points_that_were_there(invoke, tmp_path, monkeypatch):
    path, fit, n_fits = tmp_path / "points.jsonl", design.fit_classifier, iter(range(3))

    def stopped(*args, **options):
        if next(n_fits) == 2:
            raise KeyboardInterrupt
        return fit(*args, **options)

    monkeypatch.setattr(design, "fit_classifier", stopped)
    words = ("curve", "-t", "3v8", "--limit", "60", "--C", "0.1,1,10", "--resume", str(path))
    assert invoke(*words).code == 130
    kept = path.read_text()
    assert kept.count("\n") == 2
    monkeypatch.setattr(design, "fit_classifier", fit)
    assert len(json.loads(invoke(*words, "--json").out)["points"]) == 3
    assert path.read_text().startswith(kept)


def test_a_drawing_stands_alone(invoke, tmp_path):
    path = tmp_path / "curve.svg"
    invoke(*CURVE, "--C", "0.01,1", "-o", str(path), "-q")
    drawing = ET.fromstring(path.read_text())  # noqa: S314 - our own
    marks = list(drawing.iter("{http://www.w3.org/2000/svg}polygon"))
    assert len(marks) == 4 + 2  # points, and those of the legend
    assert "http" not in path.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")


ROTATE = ("curve", "--disturb", "rotate=-30,0,30", "-m", "a", "-m", "b")


@pytest.fixture
def two_models(invoke):
    for name, C in (("a", "1"), ("b", "0.0001")):
        words = ("train", "3v8", "--limit", "100", "--C", C, "--name", name, "-q")
        assert invoke(*words).code == 0


def test_models_are_drawn_over_the_strengths(invoke, two_models, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "80")
    path = tmp_path / "robust.svg"
    lines = invoke(*ROTATE, "-o", str(path)).out.splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line.split()[:2] for line in lines[3:9]]
    assert rows == [[model, x] for model in ("a@1", "b@1") for x in ("-30", "0", "30")]
    assert "a  a@1" in lines
    assert "rotate, degrees" in path.read_text()
    header, *cells = (line.split("\t") for line in invoke(*ROTATE, "--tsv").out.splitlines())
    records = [json.loads(line) for line in invoke(*ROTATE, "--jsonl").out.splitlines()]
    document = json.loads(invoke(*ROTATE, "--json").out)
    assert [row[header.index("n_correct")] for row in cells] == [
        str(r["n_correct"]) for r in records
    ]
    assert [
        {k: v for k, v in r.items() if not k.startswith("schema")} for r in records
    ] == document["points"]
    assert {r["model"] for r in records} == {"a@1", "b@1"}
    best = max(document["means"], key=lambda each: each["accuracy"])
    assert invoke(*ROTATE, "-q").out == f"{best['line']} {best['x']:g}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--disturb", "rotate"), "'rotate' is no disturbance"),
        (("--disturb", "twist=1"), "'twist=1' is no disturbance"),
        (("--disturb", "blur=a"), "'a' are no such numbers"),
        (("--disturb", "blur=-1"), "blur = -1 makes no sense"),
        (("--disturb", "blur=1", "-t", "3v8"), "--disturb and --task exclude each other"),
        (("--disturb", "blur=1", "--C", "1"), "--disturb and --C exclude each other"),
        (("-m", "builtin"), "--model goes with --disturb"),
        ((), "no task was given"),
    ],
)
def test_what_is_no_disturbance_is_one_line(invoke, words, message):
    ended = invoke("curve", *words)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err.splitlines()[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-t", "3v8"), "a curve needs several values"),
        (("-t", "3v8", "--limit", "40,x"), "'40,x' are no such numbers"),
        (("-t", "3v8", "--limit", "40,60", "--C", ","), "',' has nothing between its commas"),
        (("-t", "3v8", "--limit", "40,60", "--jobs", "0"), "0 jobs make no sense"),
        (("-t", "3v8", "--C", "0,1"), "C = 0 makes no sense"),
        (("-t", "3v8", "--preset", "fast,worst"), "'worst' is no preset"),
        (("-t", "3v8", "--features", "pixels,wavelets"), "'wavelets' is no features"),
        (("-t", "3v8", "--preset", "fast", "--features", "pixels"), "exclude each other"),
        (("-t", "3v8,4v4", "--limit", "40"), "'4v4' is not a task"),
        (
            ("-t", "3v8", "--limit", "40,80", "-o", "curve.gif"),
            "cannot draw into curve.gif",
        ),
        (("-t", "3v8,4v9", "--limit", "40", "-o", "curve.svg"), "values of task are no numbers"),
    ],
)
def test_what_makes_no_curve_is_one_line(invoke, words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = invoke("curve", *words)
    assert ended.code == 2
    assert message in ended.err
    assert not list(tmp_path.glob("curve.*"))


@pytest.mark.parametrize(
    ("values", "is_log", "ticks"),
    [
        ([100, 300, 1000, 3000], True, (100, 200, 500, 1000, 2000)),
        ([0.001, 1e6], True, (0.001, 0.1, 10.0, 1000.0, 1e5)),
        ([0.02, 0.05], False, (0.02, 0.03, 0.04, 0.05)),
        ([0, 100], False, (0, 20, 40, 60, 80, 100)),
        ([5, 5], False, (4.6, 4.8, 5.0, 5.2, 5.4)),
        ([], False, (0, 0.2, 0.4, 0.6, 0.8, 1)),
    ],
)
def test_axes_have_round_ticks(values, is_log, ticks):
    axis = axis_for(values)
    assert axis.is_log == is_log
    assert axis.ticks == pytest.approx(ticks)
    for tick in axis.ticks:
        assert -1e-9 <= axis.place(tick) <= 1 + 1e-9


def test_a_file_that_cannot_be_written_is_told_before_any_training(invoke, tmp_path, monkeypatch):
    monkeypatch.setattr(design, "fit_classifier", None)
    ended = invoke(*CURVE, "--resume", str(tmp_path / "nowhere" / "points.jsonl"))
    assert (ended.code, ended.out) == (3, "")
    assert "cannot write" in ended.err


@pytest.mark.parametrize("form", ["latex", "markdown"])
def test_for_a_paper_there_are_the_columns_of_the_table(invoke, form):
    words = ("curve", "--task", "3v8", "--C", "0.1,1", "--limit", "100")
    out = invoke(*words, "--format", form).out
    separator = {"latex": "&", "markdown": "|"}[form]
    rows = [line.rstrip("\\ ").strip("| ") for line in out.splitlines() if separator in line]
    cells = [
        [cell.strip(" $") for cell in row.split(separator)] for row in rows if "---" not in row
    ]
    assert cells[0] == ["C", "accuracy", "over images", "log loss", "fit"]
    assert [row[0] for row in cells[1:]] == ["0.1", "1"]
    assert all(re.fullmatch(r"\.\d{3}-\.\d{3}", row[2]) for row in cells[1:])
    header = invoke(*words, "--format", "csv").out.splitlines()[0].split(",")
    assert {"peak_memory_bytes", "dataset_sha256", "accuracy_low"} < {*header}
