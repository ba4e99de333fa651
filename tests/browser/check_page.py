"""The exported page in a real browser: `nox -s browser`, with Chromium and its driver installed.

Its pictures lie below ``--basetemp FOLDER``, to be looked at.
"""

from __future__ import annotations

import base64
import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.interaction import POINTER_TOUCH
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

import mnistcli
from mnistcli.cli.report.page import publish
from mnistcli.comparison import report_on_any
from mnistcli.evaluation import examples_of
from mnistcli.registry.exports import export_model
from mnistcli.settings import FeatureSpec, SolverSettings, SplitSpec, TrainingSettings
from tests.handwriting import DIGITS

DESKTOP, PHONE = (1200, 900), (360, 740)

# From a finished stroke to the frame in which it is answered; and what moved without being asked.
WATCH = """
window.answered = [], window.shifts = [];
addEventListener("pointerup", () => {
  const start = performance.now();
  requestAnimationFrame(() => setTimeout(() => window.answered.push(performance.now() - start)));
}, true);
new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((each) => each.value)))
  .observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture(scope="module")
def builtin(mnist, tmp_path_factory):
    model, folder = mnistcli.load_model("builtin"), tmp_path_factory.mktemp("pages")
    examples = examples_of(model, mnist)
    return export_model(model, "html", folder / "builtin.html", examples=examples).path


@pytest.fixture
def browse(tmp_path):
    opened = []

    def browse_(page, size=DESKTOP, *, scheme="light", language="en"):
        options = webdriver.ChromeOptions()
        for argument in ("headless=new", "no-sandbox", f"window-size={size[0]},{size[1]}"):
            options.add_argument(f"--{argument}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        preferences = {"download.default_directory": str(tmp_path)}
        options.add_experimental_option("prefs", {**preferences, "intl.accept_languages": language})
        if size != DESKTOP:
            screen = {"width": size[0], "height": size[1], "pixelRatio": 2, "touch": True}
            options.add_experimental_option("mobileEmulation", {"deviceMetrics": screen})
        # Named, so that nothing is looked for in the network.
        options.binary_location = shutil.which("chromium") or ""
        driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
        opened.append(driver)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        driver.get(page.as_uri())
        return driver

    yield browse_
    for driver in opened:
        # A violated policy, an error in a script and a missing file are messages.
        messages = driver.get_log("browser")
        driver.execute_script("kept.length = 0")  # or it asks whether to leave
        driver.quit()
        assert not messages


def at(driver, name):
    return driver.find_element(By.ID, name)


def answer(driver):
    return at(driver, "answer").text


def written(driver, name):
    return at(driver, name).get_attribute("textContent")


def until(driver, condition):
    """Wait for what a tap or a download brings about a little later."""
    return WebDriverWait(driver, 10, 0.02).until(lambda _: condition())


def draw(driver, digit, *, touch=False):
    """Draw the strokes of a digit in the middle of the canvas."""
    canvas = at(driver, "canvas")
    unit = canvas.rect["width"] * 0.33
    for stroke in DIGITS[digit]:
        points = [(round(0.7 * unit * x), round(unit * y)) for x, y in stroke]
        actions = ActionBuilder(driver, duration=15)
        if touch:
            actions = ActionBuilder(driver, PointerInput(POINTER_TOUCH, "finger"), duration=15)
        pointer = actions.pointer_action
        pointer.move_to(canvas, *points[0]).pointer_down()
        for point in points[1:]:
            pointer.move_to(canvas, *point)
        pointer.pointer_up()
        actions.perform()


def photograph(driver, path):
    """Keep a picture of the whole page."""
    size = driver.execute_script(
        "const root = document.documentElement; return [root.clientWidth, root.scrollHeight]"
    )
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.save_screenshot(str(path))
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize(
    ("size", "scheme", "language"),
    [
        (DESKTOP, "light", "en"),
        (DESKTOP, "dark", "de"),
        (PHONE, "light", "de"),
        (PHONE, "dark", "en"),
    ],
    ids=str,
)
def test_digits_are_drawn_and_answered(builtin, browse, tmp_path, size, scheme, language):
    driver = browse(builtin, size, scheme=scheme, language=language)
    first = "Zeichne eine Ziffer" if language == "de" else "Draw a digit"
    assert answer(driver) == first
    n_right = 0
    for digit in range(10):
        draw(driver, digit, touch=size == PHONE)
        until(driver, lambda: written(driver, "spoken") == written(driver, "answer") != first)
        n_right += answer(driver).startswith(f"{digit} · ")
        if digit < 9:
            at(driver, "clear").click()
            until(driver, lambda: answer(driver) == first)
    assert n_right >= 9
    waited = sorted(driver.execute_script("return window.answered"))
    print(f"{size}: ms from the end of a stroke to its answer:", *map(round, waited))
    assert driver.execute_script("return window.shifts.reduce((a, b) => a + b, 0)") == 0
    assert driver.execute_script("return document.documentElement.scrollWidth") <= size[0]
    assert driver.execute_script("return [scrollX, document.documentElement.lang]") == [0, language]
    photograph(driver, tmp_path / "page.png")


def test_a_finger_draws_and_does_not_scroll(builtin, browse):
    driver = browse(builtin, PHONE)
    draw(driver, 1, touch=True)
    assert driver.execute_script("return [scrollY, strokes.length]") == [0, 1]


def test_undo_takes_one_stroke_back(builtin, browse):
    driver = browse(builtin)
    draw(driver, 4)
    at(driver, "undo").click()
    assert driver.execute_script("return strokes.length") == 1
    at(driver, "undo").click()
    at(driver, "undo").click()
    assert answer(driver) == "Draw a digit"


def press(driver, *keys):
    actions = ActionChains(driver)
    for key in keys:
        actions.send_keys(key)
    actions.perform()


def focused(driver):
    return driver.execute_script(
        "return document.activeElement.id || document.activeElement.ariaLabel"
    )


def test_all_can_be_done_by_the_keyboard_alone(builtin, browse, tmp_path):
    driver = browse(builtin)
    press(driver, Keys.TAB)
    assert focused(driver) == "language"
    press(driver, Keys.TAB)
    assert focused(driver) == "canvas"
    outline = driver.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    press(driver, Keys.SPACE, *24 * [Keys.ARROW_DOWN], Keys.SPACE)
    assert answer(driver).startswith("1 · ")
    photograph(driver, tmp_path / "keyboard.png")
    press(driver, Keys.BACKSPACE)
    assert answer(driver) == "Draw a digit"
    press(driver, *24 * [Keys.ARROW_UP], Keys.SPACE, *24 * [Keys.ARROW_DOWN], Keys.SPACE, "1")
    assert at(driver, "count").text == "1 kept; of 1 that it can know it reads 1 right"
    names = []
    while not names or names[-1] != "download":
        press(driver, Keys.TAB)
        names.append(focused(driver))
        assert len(names) < 30
    buttons = ["undo", "clear", "picture", "for", "against", "Remove this 1", "download"]
    assert names == buttons, "buttons that keep wait for a drawing"
    press(driver, Keys.ENTER)
    path = tmp_path / "digits.csv"
    until(driver, path.exists)
    head, row = csv.reader(path.read_text().splitlines())
    assert (len(head), row[0], max(map(int, row[1:]))) == (785, "1", 255)


def test_examples_are_answered_as_python_answered_them(builtin, browse):
    driver = browse(builtin)
    for k in (3, 9):
        Select(at(driver, "class")).select_by_index(k)
        buttons = at(driver, "examples").find_elements(By.CSS_SELECTOR, ".digits button")
        assert len(buttons) > 6
        for button in buttons:
            said = button.find_element(By.TAG_NAME, "img").get_attribute("alt")
            button.click()
            assert said == f"A {k}, taken for {answer(driver)[0]}"


HAND_OVER = """
const [base64, kind, property, name] = arguments, data = new DataTransfer();
const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt());
data.items.add(new File([bytes], name));
const event = new Event(kind, { bubbles: true, cancelable: true });
event[property] = data;
document.body.dispatchEvent(event);
return event.defaultPrevented;
"""


def test_a_picture_is_chosen_dropped_or_pasted(builtin, browse, tmp_path, mnist):
    driver = browse(builtin)
    files = []
    for i in (0, 1, 2):
        files.append(tmp_path / f"{i}.png")
        on_paper = Image.fromarray(255 - mnist.test.images[i] // 2).resize((2800, 2800))
        on_paper.save(files[-1])
    at(driver, "picture").send_keys(str(files[0]))
    until(driver, lambda: answer(driver).startswith("7 · "))
    photograph(driver, tmp_path / "picture.png")
    for path, k, how in zip(
        files[1:], (2, 1), (("drop", "dataTransfer"), ("paste", "clipboardData")), strict=True
    ):
        content = base64.b64encode(path.read_bytes()).decode()
        assert driver.execute_script(HAND_OVER, content, *how, path.name)
        until(driver, lambda k=k: answer(driver).startswith(f"{k} · "))
    draw(driver, 4)
    until(driver, lambda: answer(driver).startswith("4 · "))  # in place of the picture
    assert driver.execute_script(
        HAND_OVER, base64.b64encode(b"none").decode(), "drop", "dataTransfer", "x.png"
    )
    until(driver, lambda: answer(driver) == "This is no picture that a browser reads")
    blank = tmp_path / "blank.png"
    Image.new("L", (40, 40), 200).save(blank)
    at(driver, "picture").send_keys(str(blank))
    until(driver, lambda: answer(driver) == "No ink is seen in it")
    at(driver, "picture").send_keys(str(files[0]))
    until(driver, lambda: answer(driver).startswith("7 · "))
    for button in at(driver, "labels").find_elements(By.TAG_NAME, "button"):
        if button.text == "7":
            button.click()
    assert at(driver, "count").text == "1 kept; of 1 that it can know it reads 1 right"


def test_coloured_ink_on_coloured_paper_is_read_and_stays_in_sight(
    builtin, browse, tmp_path, mnist
):
    driver, ink = browse(builtin), mnist.test.images[0][..., None] / 255
    colours = (220, 40, 40) * (1 - ink) + (30, 130, 40) * ink  # as light as each other
    page = Image.fromarray(colours.round().astype(np.uint8))
    page.resize((280, 280)).save(tmp_path / "red.png")
    at(driver, "picture").send_keys(str(tmp_path / "red.png"))
    until(driver, lambda: answer(driver).startswith("7 · "))
    shown = "return byId('canvas').toDataURL()"
    before = driver.execute_script(shown)
    Select(at(driver, "language")).select_by_value("de")
    assert driver.execute_script(shown) == before
    Image.new("L", (40, 40), 200).save(tmp_path / "blank.png")
    at(driver, "picture").send_keys(str(tmp_path / "blank.png"))
    until(driver, lambda: answer(driver) == "Darin ist keine Tinte zu sehen")
    Select(at(driver, "against")).select_by_value("3")
    assert answer(driver) == "Darin ist keine Tinte zu sehen"


def test_what_is_not_saved_is_asked_about_before_it_is_lost(builtin, browse):
    driver = browse(builtin)
    asks = "return !dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    for n_kept in (1, 2):
        draw(driver, 7)
        press(driver, "7")
        assert at(driver, "count").text.startswith(f"{n_kept} kept")
    assert driver.execute_script(asks)
    at(driver, "download").click()
    assert not driver.execute_script(asks)
    driver.execute_script("scrollTo(0, 0)")
    draw(driver, 7)
    press(driver, "7")
    at(driver, "kept").find_elements(By.TAG_NAME, "button")[0].click()
    assert driver.execute_script(asks)


def test_a_key_ends_the_stroke_that_is_being_drawn(builtin, browse):
    driver = browse(builtin)
    draw(driver, 7)
    canvas = at(driver, "canvas")
    moves = ActionChains(driver, duration=15).move_to_element(canvas).click_and_hold()
    moves.move_by_offset(20, 20).send_keys(Keys.DELETE).move_by_offset(20, 20).release().perform()
    assert answer(driver) == "Draw a digit"
    draw(driver, 1)
    until(driver, lambda: answer(driver).startswith("1 · "))


def test_every_rival_can_be_asked_about(builtin, browse):
    driver = browse(builtin)
    draw(driver, 3)
    sentences = set()
    for k in range(10):
        Select(at(driver, "against")).select_by_value(str(k))
        sentences.add(at(driver, "sentence").text)
    assert len(sentences) >= 9
    Select(at(driver, "for")).select_by_value("8")
    Select(at(driver, "against")).select_by_value("3")
    assert at(driver, "sentence").text.startswith("8 is 0.0")


CONTRASTS = """
const channel = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const luminance = (text) => {
  const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map(channel);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
function behind(element) {
  for (; element; element = element.parentElement) {
    const colour = getComputedStyle(element).backgroundColor;
    if (!/, 0\\)$/.test(colour)) return colour;
  }
}
return [...document.querySelectorAll("body *")].filter((each) =>
  [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) && each.checkVisibility()
  && !["SCRIPT", "NOSCRIPT"].includes(each.tagName)
).map((each) => {
  const [a, b] = [getComputedStyle(each).color, behind(each)].map(luminance).sort((x, y) => y - x);
  return [each.tagName + " " + each.textContent.slice(0, 20), (a + 0.05) / (b + 0.05)];
});
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_has_a_name_and_stands_out(builtin, browse, scheme):
    driver = browse(builtin, PHONE, scheme=scheme)
    draw(driver, 3, touch=True)
    contrasts = driver.execute_script(CONTRASTS)
    assert len(contrasts) > 40
    assert not [each for each in contrasts if each[1] < 4.5]
    driver.execute_cdp_cmd("Accessibility.enable", {})
    nodes = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = {"button", "combobox", "image", "application", "heading", "canvas", "img"}
    named = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node.get("ignored") and node["role"]["value"] in roles
    ]
    assert len(named) > 60
    assert not [role for role, name in named if not name.strip()]


@pytest.mark.parametrize(
    ("task", "features"),
    [
        ("2vrest", FeatureSpec()),
        ("digits", FeatureSpec("deskew")),
        ("pairs", FeatureSpec()),
        ("digits", FeatureSpec.of("patches+expansion")),
        ("digits", FeatureSpec.of("arrangements+expansion")),
    ],
    ids=str,
)
def test_models_of_other_kinds_are_pages_too(task, features, mnist, browse, tmp_path):
    settings = TrainingSettings(split=SplitSpec(limit=2000), features=features)
    model = mnistcli.train(task, mnist, settings).model
    examples = examples_of(model, mnist)
    path = export_model(model, "html", tmp_path / "page.html", examples=examples).path
    driver = browse(path)
    draw(driver, 2)
    image = json.loads(driver.execute_script("return JSON.stringify([...image])"))
    (row,) = model.classifier.predict_proba(np.array([image], np.uint8).reshape(1, 28, 28))
    found = driver.execute_script(
        "return model.probabilities(model.linearScores(model.look(image)))"
    )
    np.testing.assert_allclose(found, row, atol=1e-4)
    photograph(driver, tmp_path / "page.png")


def test_on_a_phone_on_its_side_all_of_the_canvas_is_in_sight(builtin, browse, tmp_path):
    driver = browse(builtin, (740, 360))
    canvas = at(driver, "canvas").rect
    assert canvas["width"] == canvas["height"] <= 360
    assert driver.execute_script("return document.documentElement.scrollWidth") == 740
    driver.execute_script("byId('canvas').scrollIntoView({ block: 'center' })")
    draw(driver, 3, touch=True)
    until(driver, lambda: answer(driver).startswith("3 · "))
    others = [each.text for each in driver.find_elements(By.CSS_SELECTOR, "#bars .percent")]
    assert "< 0.1%" in others
    photograph(driver, tmp_path / "page.png")


@pytest.mark.parametrize(
    ("size", "too_wide"),
    [(DESKTOP, []), (PHONE, ["model"]), ((320, 640), ["model", "precision", "truth ↓ answer →"])],
    ids=str,
)
def test_a_report_is_no_wider_than_its_screen(browse, mnist, tmp_path, size, too_wide):
    """What is too wide, and no paper of a desktop is, can be moved alone."""
    builtin = mnistcli.load_model("builtin")
    small = TrainingSettings(SolverSettings(C=0.1), split=SplitSpec(limit=500))
    other = mnistcli.train("digits", mnist, small).model
    driver, wide = None, []
    for models in ([other], [builtin, other]):
        publish(report_on_any(models, mnist), tmp_path / f"{len(models)}.html")
        driver = driver or browse(tmp_path / "1.html", size)
        driver.get((tmp_path / f"{len(models)}.html").as_uri())
        driver.execute_script("window.kept = []")
        assert driver.execute_script("return document.documentElement.scrollWidth") <= size[0]
        for table in driver.find_elements(
            By.CSS_SELECTOR, "section > div > .scrolling, .beside .scrolling"
        ):
            if driver.execute_script(
                "return arguments[0].scrollWidth > arguments[0].clientWidth", table
            ):
                wide.append(table.get_attribute("aria-label").split(",")[0])
    assert {*wide} <= {*too_wide}


def test_captions_on_paper_can_be_read(browse, mnist, tmp_path):
    model = mnistcli.train("pairs", mnist, TrainingSettings(split=SplitSpec(limit=300))).model
    publish(report_on_any([model], mnist), tmp_path / "page.html")
    driver = browse(tmp_path / "page.html")
    driver.execute_script("window.kept = []")
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    for caption in driver.find_elements(By.TAG_NAME, "figcaption"):
        pixels = driver.execute_script("return getComputedStyle(arguments[0]).fontSize", caption)
        assert float(pixels.removesuffix("px")) * 0.75 >= 6, "points"


HOSTILE = "</script><img src=x onerror=alert(1)>"


def test_words_from_outside_are_shown_as_text(mnist, browse, tmp_path):
    from dataclasses import replace

    model = mnistcli.train("0v1", mnist, TrainingSettings(split=SplitSpec(limit=100))).model
    path = export_model(replace(model, ref=HOSTILE), "html", tmp_path / "page.html").path
    driver = browse(path)
    assert driver.find_element(By.TAG_NAME, "h1").text == HOSTILE
    assert driver.title == HOSTILE
