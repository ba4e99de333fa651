"""A model as one page to draw in, for any browser and without a network.

The page holds the model as JSON and is otherwise the files of the folder ``page``: `page.html`, the
style sheet, the words in every language, and two scripts. ``numbers.js`` conforms a drawing, makes
features of it and scores them as Python does, ``page.js`` is what one sees.
"""

import base64
import html
import io
import json
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistcli._version import __version__
from mnistcli.features.kinds import N_POINTS
from mnistcli.registry.exports import Exporter
from mnistcli.registry.model_file import Model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnistcli.arrays import Bytes
    from mnistcli.gallery import CaptionedImage

_FOLDER = Path(__file__).with_name("page")
_PLACE = re.compile(r"\{\{(\w+)\}\}")


def encode(model: Model, examples: Sequence["CaptionedImage"] = ()) -> bytes:
    """Return the page as UTF-8, with examples to look at."""
    content = {
        "title": html.escape(model.ref or model.card.task.name),
        "version": __version__,
        "model": _as_text(_content(model, examples)),
        "words": _as_text(json.loads((_FOLDER / "words.json").read_text("utf-8"))),
    }
    for name in ("page_css", "numbers_js", "page_js"):
        content[name] = text = (_FOLDER / name.replace("_", ".")).read_text("utf-8")
        # What a content security policy calls it by.
        content[f"{name}_hash"] = f"sha256-{_base64(sha256(text.encode()).digest())}"
    page = (_FOLDER / "page.html").read_text("utf-8")
    # In one pass: what a model is called may look like such a place.
    return _PLACE.sub(lambda place: content[place[1]], page).encode(errors="replace")


def _content(model: Model, examples: Sequence["CaptionedImage"]) -> dict[str, Any]:
    card, classifier = model.card, model.classifier
    names, seen = card.class_names, classifier.features
    chains = ["+".join(each) for each in card.feature_spec.chains]
    features = {**card.features, "chains": chains, "n_points": N_POINTS}
    return {
        "class_names": names,
        "groups": card.task.groups,
        "is_pairwise": card.task.is_pairwise,
        "scale": classifier.scale,
        "features": features,
        "filters": [
            {"side": each.shape[1], **_array(each)} for each in (seen.filters() if seen else ())
        ],
        "arrays": {name: _array(array) for name, array in classifier.arrays.items()},
        "examples": [
            {name: names.index(each.facts[name]) for name in ("truth", "answer")}
            | {"image": _picture(each.image)}
            for each in examples
        ],
        "card": json.loads(card.to_json()),
    }


def _array(array: "NDArray[Any]") -> dict[str, str]:
    """Write numbers as they are in memory, little endian."""
    data = array.astype(array.dtype.newbyteorder("<")).tobytes()
    return {"dtype": f"f{array.itemsize}", "data": _base64(data)}


def _picture(image: "Bytes") -> str:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{_base64(file.getvalue())}"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _as_text(content: Any) -> str:
    """Write JSON in which nothing ends the element that it stands in."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


EXPORTER = Exporter(
    encode,
    what="a page to draw in, for any browser",
    good_for="phones and laptops without anything installed: draw, see why, keep labelled digits",
    trust="its scripts can be read in it, and the page forbids itself any network",
    use="open {file} in a browser, or send it to whom you like",
    is_text=True,
    takes_pairs=True,
    shows_examples=True,
)
