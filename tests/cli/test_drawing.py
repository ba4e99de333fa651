"""Plots, heat maps and pictures in files: SVG, PNG and PDF, for slides and papers."""

from __future__ import annotations

import base64
import re
import zlib
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from mnistcli.cli import drawing, layout, options
from mnistcli.cli.content.parts import HeatMap
from mnistcli.cli.content.plots import Plot, Series, axis_for
from mnistcli.cli.drawing import (
    DARK,
    LIGHT,
    SERIES,
    Drawing,
    Label,
    Shape,
    paint,
    pdf,
    svg,
    symbol,
)
from mnistcli.cli.figure import FigureFile
from mnistcli.gallery import CaptionedImage, Gallery

SVG = "{http://www.w3.org/2000/svg}"
ENDINGS = ("svg", "png", "pdf")


def plot(n=2):
    rng = np.random.default_rng(0)
    series = []
    for i in range(n):
        x, y = np.array([1.0, 10, 100]), rng.uniform(0.01, 0.1, 3)
        points = np.stack([x, y, x, y - 0.005, x, y + 0.005], axis=1)
        series.append(Series(f"line {i}", points, "joined"))
    across, up = (axis_for(series[0].points[:, i].tolist()) for i in (0, 1))
    return Plot("a & b", across, up, tuple(series), "What <it> means.")


def heat():
    return HeatMap.of_confusion(np.array([[90, 10, 0], [0, 80, 20], [5, 5, 90]]), "abc", "which")


def pictures(n=3):
    image = np.arange(784, dtype=np.uint8).reshape(28, 28)
    return Gallery([CaptionedImage(image, f"picture {i}") for i in range(n)], "a legend")


def texts(content):
    return [element.text for element in ET.fromstring(content).iter(f"{SVG}text")]  # noqa: S314


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("width_mm", [None, 40, 170.0])
def test_a_file_is_as_wide_as_was_asked(tmp_path, ending, width_mm):
    path = tmp_path / f"x.{ending}"
    scale = 0.5
    panels = plot(), heat(), pictures()
    for some in (*((panel,) for panel in panels), panels):
        said = FigureFile(path, scale, width_mm).draw(*some)
        if ending == "svg":
            width = float(re.search(r'width="([0-9.]+)mm"', path.read_text())[1])
        elif ending == "pdf":
            box = re.search(rb"/MediaBox \[ 0 0 ([0-9.]+) ", path.read_bytes())
            width = float(box[1]) / 72 * 25.4
        else:
            with Image.open(path) as page:
                width = page.width / page.info["dpi"][0] * 25.4
                assert said == f"wrote {path}, {page.width} x {page.height} pixels"
        if width_mm:
            assert width == pytest.approx(width_mm, abs=0.2)
        assert width > 20
    if ending != "png":
        assert re.fullmatch(rf"wrote {path}, \d+ x \d+ mm", said)


def test_in_little_room_letters_are_smaller_rather_than_in_the_way(tmp_path):
    digits = HeatMap.of_confusion(np.eye(10), "0123456789", "w" * 99)
    for asked in ({"width_mm": 30}, {"width_mm": 85, "scale": 3.0}):
        FigureFile(tmp_path / "x.svg", **asked).draw(digits)
        page = ET.fromstring((tmp_path / "x.svg").read_text())  # noqa: S314
        assert page.attrib["width"] == f"{asked['width_mm']:.2f}mm"
        left = [each for each in page.iter(f"{SVG}text") if each.attrib["text-anchor"] == "end"]
        feet = [float(each.attrib["y"]) for each in left]
        assert np.diff(feet).min() > drawing.LETTER, "names of rows do not lie over each other"
        assert "…" in page.find(f"{SVG}text").text


def test_captions_are_not_torn_inside_words():
    image = pictures()[0].image
    sheet = Gallery([CaptionedImage(image, f"for {i} against 5 x 5") for i in range(45)])
    words = texts(svg(layout.sheet_drawing(sheet, 500), LIGHT))
    assert words[:3] == ["for 0", "against", "5\u00a0x\u00a05"]


def test_every_file_has_a_name():
    grey, coloured = (
        CaptionedImage(np.zeros(shape, np.uint8), "a 7") for shape in ((9, 9), (9, 9, 3))
    )
    for sheet, name in ([grey], "a 7"), ([coloured], "a 7"), ([grey] * 99, "a 7; a 7; a 7"):
        assert layout.drawing_of([Gallery(sheet)]).title.startswith(name)
    assert layout.drawing_of([Gallery([grey], "a legend")]).title == "a legend"


def test_all_that_is_to_be_read_is_in_the_file():
    page = layout.drawing_of([plot(), heat(), pictures()])
    found = texts(svg(page, LIGHT))
    expected = ["a & b", "What <it> means.", "line 0", "line 1", "which", "truth", "answer",
                "90", "picture 2", "a legend"]  # fmt: skip
    assert {*expected} <= {*found}


def test_a_pdf_has_its_fonts_and_is_the_same_again():
    page = layout.drawing_of([plot(), heat(), pictures()])
    content = pdf(page, LIGHT)
    assert content == pdf(page, LIGHT)
    fonts = re.findall(rb"/BaseFont /([A-Za-z0-9+-]+)", content)
    assert fonts
    assert all(re.match(rb"[A-Z]{6}\+BitstreamVera", font) for font in fonts)
    assert content.count(b"/FontFile2") == len({*fonts}) == 2


@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_a_pdf_draws_over_all_of_its_page(scale):
    page = layout.drawing_of([plot()])
    content = pdf(page, LIGHT, scale)
    width, height = re.search(rb"/MediaBox \[ 0 0 ([0-9.]+) ([0-9.]+)", content).groups()
    (stream,) = re.findall(rb"stream\r?\n([!-uz]+)~>endstream", content)
    drawn = zlib.decompress(base64.a85decode(stream))
    transformed = re.search(rb"((?:[0-9.]+ ){6})cm\s+1 1 1 rg", drawn)
    k, _, _, same, _, _ = map(float, transformed[1].split())
    assert k == same
    assert (page.width * k, page.height * k) == pytest.approx((float(width), float(height)), 1e-3)


def test_lines_are_told_apart_without_colours():
    shapes = {len(symbol(0, 0, i).points) for i in range(3)}
    assert len(shapes) == 3
    square, diamond = symbol(0, 0, 1).points, symbol(0, 0, 3).points
    assert max(x for x, _ in diamond) > max(x for x, _ in square) + 1
    grey = np.asarray(paint(layout.drawing_of([plot(3)]), LIGHT).convert("L"))
    assert (grey < 130).any()  # darker than the grid, which is light


def test_signs_are_told_apart_without_colours():
    ramp = layout._printable(np.linspace(-1, 1, 9)[None])
    assert (np.diff(np.asarray(Image.fromarray(ramp).convert("L")).astype(int)) > 5).all()
    assert ramp[0, 0, 2] > 2 * ramp[0, 0, 1]  # blue
    assert ramp[0, -1, 0] > 1.5 * ramp[0, -1, 2]  # yellow


def luminance(colour):
    levels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_words_stand_out_from_the_paper(theme):
    def contrast(one, other):
        light, dark = sorted([luminance(theme[one]), luminance(theme[other])], reverse=True)
        return (light + 0.05) / (dark + 0.05)

    assert contrast("ink", "paper") > 15
    assert contrast("quiet", "paper") > 6
    assert contrast("right", "on-strong") > 6
    assert all(contrast(role, "paper") > 2 for role in SERIES)


def test_a_colour_stands_once_in_the_style_sheet():
    looks = [(light, dark) for _, light, dark in drawing._ROLES]
    assert len({*looks}) == len(looks)
    assert {*SERIES} <= {*LIGHT}


def test_a_line_is_cut_where_it_leaves_the_field():
    line = np.array([[-0.5, 0.5], [0.5, 0.5], [0.5, 2.0], [0.75, 2.0], [0.75, 0.25]])
    first, second = layout._inside(line)
    assert first.tolist() == [[0, 0.5], [0.5, 0.5], [0.5, 1]]
    assert second.tolist() == [[0.75, 1], [0.75, 0.25]]
    assert not [*layout._inside(line + 3)]


def test_digits_stay_squares_of_the_same_size():
    page = np.asarray(paint(layout.sheet_drawing(pictures(1)), LIGHT, 2).convert("L"))
    image = pictures(1)[0].image
    assert (page[32 : 32 + 896 : 32, 32 : 32 + 896 : 32] == image).all()


def test_marks_stand_where_the_axes_say():
    def middles(shown):
        shapes = [
            m for m in layout.plot_drawing(shown).marks if isinstance(m, Shape) and not m.width
        ]
        return [np.mean(m.points, axis=0) for m in shapes if m.role == "series-0"]

    bars = [(2.0, 5.0, 0.05)]
    one, barred = plot(1), plot(1)._replace(bars=bars)
    left, middle, right = middles(one)
    assert np.allclose(middles(barred), middles(one))
    assert middle[0] == pytest.approx((left[0] + right[0]) / 2, abs=1)  # 1, 10 and 100
    ticks = [m for m in layout.plot_drawing(one).marks if isinstance(m, Label) and m.text == "10"]
    assert ticks[0].points[0][0] == pytest.approx(middle[0], abs=1)


def test_names_that_are_too_long_keep_their_ends():
    names = [f"{'a-long-name-' * 6}@{i}" for i in (1, 12)]
    axis = axis_for(np.array([0.0, 1.0]).flat, title="accuracy")
    up = axis._replace(low=1.5, high=-0.5, ticks=(0, 1), word=lambda i: names[int(i)])
    points = np.array([[0.5, 0.0, 0.4, 0.6], [0.6, 1.0, 0.5, 0.7]])
    plot = Plot("two", axis, up, (Series.measured("models", points, "marks", across=True),))
    shown = str(drawing.svg(layout.drawing_of([plot], 300)))
    for end in ("@1", "@12"):
        assert re.search(rf">a-long…[^<]*{end}<", shown)


def test_a_title_without_room_loses_its_explanation():
    across = plot().across._replace(title="recall: of the class, found")
    shown = plot()._replace(across=across)
    for width, title in ((150, "recall"), (500, "recall: of the class, found")):
        words = [
            mark for mark in layout.plot_drawing(shown, width).marks if isinstance(mark, Label)
        ]
        assert title in [each.text for each in words]


def test_what_stands_in_lines_of_their_own_is_drawn_in_lines_of_their_own():
    noted = layout.plot_drawing(plot()._replace(note="of the images\nBest: 95 %."))
    assert texts(svg(noted, LIGHT))[-2:] == ["of the images", "Best: 95 %."]
    legend = layout.sheet_drawing(Gallery(list(pictures()), "of a\nb.csv"))  # a file's name
    assert texts(svg(legend, LIGHT))[-1:] == ["of a\\nb.csv"]


def test_many_lines_have_each_a_row_of_the_legend():
    marks = layout.plot_drawing(plot(9)).marks
    rows = [mark for mark in marks if isinstance(mark, Shape) and mark.width == 2.6]
    assert len(rows) == 18
    assert len({mark.points[0][1] for mark in rows[9:]}) == 9


FIGURES = {
    "evaluate --curves": ["ROC of 8: area 0.", "precision of 8: average 0."],
    "evaluate --calibration": ["Reliability", "probability of 8"],
    "evaluate --confusion": ["3v8@2 on mnist test", "truth", "answer"],
    "evaluate --mistakes 3": ["the worst 3 of "],
    "compare 3v8@1 3v8@2": ["2 models on mnist test", "accuracy", "3v8@2: C = 0.01", "p = "],
    "show --weights 3v8@1": ["light: ink here speaks for it"],
    "show 7": ["test image 7, labelled 9"],
    "predict -i 7": ["mnist test 7: "],
}


@pytest.fixture
def models(invoke):
    for c in ("1", "0.01"):
        invoke("train", "3v8", "--limit", "200", "--C", c, "-q")


def test_what_is_not_known_is_not_drawn(invoke, models, mnist, tmp_path):
    ones = np.flatnonzero(mnist.test.labels == 3)[:9]
    np.savez(tmp_path / "3.npz", images=mnist.test.images[ones], labels=mnist.test.labels[ones])
    data = ("--data", str(tmp_path / "3.npz"), "-o", str(tmp_path / "x.svg"))
    assert invoke("compare", "3v8@1", "3v8@2", "--by", "roc_auc", *data).code == 0
    assert "nan" not in (tmp_path / "x.svg").read_text()


def test_what_commands_draw_into_files(invoke, models, tmp_path):
    for words, expected in FIGURES.items():
        usual = invoke(*words.replace("--confusion", "").split(), "--json")
        for ending in ENDINGS:
            done = invoke(*words.split(), "--json", "-o", str(tmp_path / f"x.{ending}"), "--dark")
            took = r"predict_seconds.*"
            assert (done.code, re.sub(took, "", done.out)) == (0, re.sub(took, "", usual.out))
            assert f"wrote {tmp_path / 'x'}.{ending}, " in done.err
        said = " ".join(filter(None, texts((tmp_path / "x.svg").read_text())))
        for text in expected:
            assert text in said
        assert DARK["paper"] in (tmp_path / "x.svg").read_text()


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ("show 7 -o x.jpg", "cannot draw into x.jpg", "end the name in .svg, .png or .pdf"),
        ("curve -t 3v8 --limit 40,80 -o x", "cannot draw into x", "end the name in .svg"),
        ("show 7 --scale 2", "--scale goes with --output", "--output FILE.svg"),
        ("evaluate --dark", "--dark goes with --output", "--output FILE.svg"),
        ("evaluate -o x.svg", "--output draws what is asked for", "add --curves, --confusion"),
        ("evaluate --confusion", "--confusion goes with --output", "--output FILE.svg"),
        ("show 7 -o x.png --width-mm 5", "invalid value for '--width-mm': 5.0", ""),
    ],
)
def test_what_cannot_be_drawn_is_one_line(invoke, words, message, hint):
    done = invoke(*words.split())
    assert (done.code, done.out) == (2, "")
    assert done.err.lower().startswith(f"error: {message}")
    assert hint in done.err


def test_a_pdf_without_its_library_is_refused_before_any_work(invoke, monkeypatch):
    monkeypatch.setattr(options, "find_spec", lambda _: None)
    done = invoke("show", "7", "-o", "x.pdf")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: a PDF needs reportlab, which is not installed\n"
        "hint: pip install 'mnistcli[pdf]', or draw into .svg or .png\n"
    )


def test_letters_that_the_font_of_pixels_has_not_are_written_plainly():
    """Pillow's own font has no é, and would draw a box."""

    def page(text):
        return np.asarray(paint(Drawing(300, 40, [Label([(2, 30)], text)]), LIGHT))

    for text, plain in (("Café, naïve ß №", "Cafe, naive ? N"), ("ﬁ … · 漢", "f … · ?")):
        assert (page(text) == page(plain)).all()
        assert (page(text) != page("")).any()


def test_without_pictures_nothing_is_written(invoke, models, tmp_path):
    path = tmp_path / "x.svg"
    words = ("show", "--mistakes", "3v8", "--truth", "3", "--answer", "3", "-o", str(path))
    assert FigureFile(path).draw(Gallery([])) == f"no pictures: {path} was not written"
    assert invoke(*words).code == 0
