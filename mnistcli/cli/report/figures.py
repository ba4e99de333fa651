"""Plots, digits and weights inside the page."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistcli.cli.drawing.formats import svg
from mnistcli.cli.drawing.layout import plot_drawing
from mnistcli.cli.plots import Plot
from mnistcli.cli.report.html import Markup, tag
from mnistcli.cli.terminal.bitmap import colours_of, png, vivid
from mnistcli.gallery import CaptionedImage

_PLOT_WIDTH = 440.0  # letters are smaller where a plot is wider


def figure(image: NDArray[Any], caption: Sequence[str], alt: str, *, class_: str = "") -> Markup:
    """Show a picture pixel by pixel, with a line under it for each string."""
    from PIL import Image

    grey_or_colour = image if image.dtype == np.uint8 else colours_of(image)
    content = b64encode(png(Image.fromarray(grey_or_colour))).decode()
    height, width = image.shape
    source = f"data:image/png;base64,{content}"
    return tag(
        "figure",
        tag("img", src=source, alt=alt, width=width, height=height),
        tag("figcaption", (tag("span", line) for line in caption)),
        class_=class_ or None,
    )


def plots(*shown: Plot) -> Markup:
    """Put plots side by side, each with its title and its note below."""
    return tag("div", map(_plot, shown), class_="plots")


def _plot(plot: Plot) -> Markup:
    drawing = replace(
        plot_drawing(replace(plot, title="", note=""), _PLOT_WIDTH),
        title=f"{plot.title}. {plot.note}",
    )
    caption = tag("figcaption", tag("strong", plot.title), " ", plot.note)
    return tag("figure", svg(drawing), caption, class_="plot")


def gallery(figures: Iterable[Markup], *, class_: str = "digits") -> Markup:
    """Put pictures side by side, as many in a row as fit."""
    return tag("div", figures, class_=class_)


def weights(pictures: Sequence[CaptionedImage]) -> Markup:
    """Show what a model looks for, all on one scale; many are small."""
    n_columns = "one" if len(pictures) == 1 else "few" if len(pictures) <= 10 else "many"
    images = vivid([picture.image for picture in pictures])
    return gallery(
        (
            figure(image, [picture.caption], f"weights {picture.caption}")
            for image, picture in zip(images, pictures, strict=True)
        ),
        class_=f"weights {n_columns}",
    )
