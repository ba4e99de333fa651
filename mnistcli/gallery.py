"""Pictures to look at: digits, what a class looks like on average, what a model looks for."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from mnistcli.arrays import Bools
from mnistcli.datasets.dataset import LabelledImages
from mnistcli.display import Displayed, counted
from mnistcli.errors import BadImageError, UsageError
from mnistcli.features.copies import deformed
from mnistcli.mnist import IMAGE_SHAPE, N_PIXELS
from mnistcli.pictures.read import read_pictures
from mnistcli.ranges import RANGES
from mnistcli.registry.model_file import Model
from mnistcli.tasks import ALL_DIGITS, Task

_LARGEST_SIDE = 56
FACTS_OF_MISTAKES = ("index", "truth", "answer", "p_truth", "p_answer")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CaptionedImage(Displayed):
    """A picture with words under it, and what is known of it for JSON."""

    image: NDArray[Any]  # grey or RGB in uint8, or signed in float64 from -1 to 1
    caption: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


class Gallery(Displayed, tuple[CaptionedImage, ...]):  # noqa: SLOT001 - it has a legend
    """Pictures side by side, and a legend of what ``{plus}`` and ``{minus}`` mean in them."""

    legend: str
    n_columns: int | None  # side by side, at most

    def __new__(
        cls, pictures: Iterable[CaptionedImage] = (), legend: str = "", n_columns: int | None = None
    ) -> Self:
        """Make a tuple of them."""
        gallery = super().__new__(cls, pictures)
        gallery.legend, gallery.n_columns = legend, n_columns
        return gallery

    def _in_words(self) -> str:
        return counted(len(self), "picture")


def digits_at(
    part: LabelledImages, indices: Sequence[int], name: str, *, n_copies: int = 0, seed: int = 0
) -> Gallery:
    """Pick images of a part of a dataset, called ``name``, each with its first copies beside it.

    Raises UsageError for what is no image, no number of copies or no seed of theirs.
    """
    check_indices(part, indices, name)
    numbers = np.arange(1 + int(RANGES["n_copies"].checked("n_copies", n_copies)))
    seed, pictures = int(RANGES["seed"].checked("seed", seed)), []
    for index in indices:
        images = np.repeat(part.images[index][None], len(numbers), axis=0)
        facts = {"index": index, "label": int(part.labels[index])}
        for k, image in enumerate(deformed(images, np.full(len(numbers), index), numbers, seed)):
            caption = f"copy {k}" if k else f"{name} image {index}, labelled {facts['label']}"
            pictures.append(CaptionedImage(image, caption, facts | {"copy": k}))
    return Gallery(pictures)


def check_indices(part: LabelledImages, indices: Sequence[int], name: str = "test") -> None:
    """Raise UsageError if one of the indices stands for no image of a part of a dataset."""
    n = len(part.labels)
    for index in indices:
        if not 0 <= index < n:
            hint = f"they go from 0 to {n - 1}" if n else f"there are no {name} images at all"
            raise UsageError(f"there is no {name} image {index}", hint=hint)


def some_digits(
    part: LabelledImages, count: int, digits: Sequence[int], name: str, seed: int | None
) -> Gallery:
    """Pick the first ``count`` images of some digits; with a seed random ones."""
    wanted = np.flatnonzero(_chosen(part, digits, name))
    if seed is not None:
        wanted = np.random.default_rng(seed).permutation(wanted)
    return digits_at(part, wanted[:count].tolist(), name)


def _chosen(part: LabelledImages, digits: Sequence[int], name: str) -> Bools:
    chosen = np.isin(part.labels, digits)
    if not chosen.any():
        hint = f"try --on {'train' if name == 'test' else 'test'}; mnistcli download --list counts them"
        of = f" of {', '.join(map(str, digits))}" * (len(digits) < len(ALL_DIGITS))
        raise UsageError(f"there are no {name} images{of}", hint=hint)
    return chosen


def mean_digits(part: LabelledImages, digits: Sequence[int], name: str) -> Gallery:
    """Average all the images of each digit of which there are some."""
    _chosen(part, digits, name)
    each = ((digit, part.labels == digit) for digit in digits)
    return Gallery(_mean(part, those, digit, digit=digit) for digit, those in each if those.any())


def mean_classes(part: LabelledImages, task: Task, name: str) -> Gallery:
    """Average all the images of each class; of two also draw by how much the second has more ink."""
    for group in task.groups:
        _chosen(part, [*map(int, group)], name)
    y, names = task.encode(part.labels), task.class_names
    means = [_mean(part, y == k, name, **{"class": name}) for k, name in enumerate(names)]
    if not task.is_binary:
        return Gallery(means)
    less, more = (mean.image / 255 for mean in means)
    name = f"{names[1]} less {names[0]}"
    facts = {"class": name, "n_images": int((y >= 0).sum())}
    legend = f"{{plus}}: more ink in {names[1]}; {{minus}}: in {names[0]}"
    return Gallery([*means, CaptionedImage(more - less, name, facts)], legend)


def _mean(part: LabelledImages, chosen: Bools, name: Any, **facts: Any) -> CaptionedImage:
    mean, n = part.images[chosen].mean(axis=0), int(chosen.sum())
    caption = f"mean {name} ({n:,})"
    return CaptionedImage(np.round(mean).astype(np.uint8), caption, facts | {"n_images": n})


def weight_images(*models: Model) -> Gallery:
    """Draw the weights of each output, all on one scale so that they can be compared.

    One picture for two classes, where positive weights speak for class 1, else one for each class,
    or for each pair of classes. Models with the same outputs stand side by side, output by output.
    Raises UsageError for a model that does not look at pixels.
    """
    largest = max(float(np.abs(model.classifier.coef).max()) for model in models) or 1.0
    of_models = []
    for model in models:
        coef, pictures = model.classifier.coef, []
        if coef.shape[1] != N_PIXELS:
            problem = f"{model.named} looks at {coef.shape[1]:,} features, not at pixels"
            hint = f"see what they are: mnistcli show --filters {model.ref or 'MODEL'}"
            raise UsageError(problem, hint=hint)
        for (name, other), weights in zip(model.classifier.output_names(), coef, strict=True):
            caption = f"for {name}, against {other}" if other else f"for {name}"
            caption = f"{model.ref}: {caption}" if len(models) > 1 else caption
            facts = {"class": name, "against": other or None, "largest_weight": largest}
            image = weights.reshape(IMAGE_SHAPE) / largest
            pictures.append(CaptionedImage(image, caption, facts | {"model": model.ref}))
        of_models.append(pictures)
    is_one_task = len({tuple(model.classifier.output_names()) for model in models}) == 1
    shown = [*chain(*(zip(*of_models, strict=True) if is_one_task else of_models))]
    # Those of one output beside each other, and of two outputs where there are so many.
    n_columns = min(2 * len(models), len(shown)) if len(models) > 1 else None
    legend = "{plus}: ink here speaks for it; {minus}: ink here speaks against it"
    return Gallery(shown, legend, n_columns)


def filter_images(model: Model) -> Gallery:
    """Draw a model's patches, each on its own scale; raise UsageError where it looks for none."""
    features = model.classifier.features
    filters = features.filters() if features else ()
    if not filters:
        problem = f"{model.named} has no filters: it looks at {model.card.features['kind']}"
        hint = "train one that has: mnistcli train --task digits --preset better"
        raise UsageError(problem, hint=hint)
    pictures = []
    for of_size in filters:
        for i, image in enumerate(of_size.astype(np.float64)):
            side, caption = len(image), f"{len(image)} x {len(image)} #{i}"
            scaled = image / (np.abs(image).max() or 1.0)
            pictures.append(CaptionedImage(scaled, caption, {"side": side, "index": i}))
    return Gallery(pictures, "{plus}: more ink here than around; {minus}: less")


def pictures_in(path: Path | Literal["-"] | BadImageError) -> Iterator[CaptionedImage]:
    """Yield the pictures in a file, shrunk to fit a terminal; raise BadImageError for no picture."""
    if isinstance(path, BadImageError):
        raise path
    for picture in read_pictures(path):
        image = fit_into(picture.grey, _LARGEST_SIDE, _LARGEST_SIDE)
        height, width = picture.grey.shape
        facts = {"source": picture.source, "height": height, "width": width}
        yield CaptionedImage(image, f"{picture.source}: {width} x {height}", facts)


def fit_into(image: NDArray[Any], width: int, height: int) -> NDArray[Any]:
    """Return a picture, signed or not, no larger than so many pixels; a small one stays as it is."""
    from PIL import Image

    picture = Image.fromarray(image if image.dtype == np.uint8 else image.astype(np.float32))
    picture.thumbnail((width, height), Image.Resampling.BOX)
    return np.asarray(picture)


def parse_digit(text: str) -> int:
    """Read one digit."""
    if len(text) != 1 or text not in ALL_DIGITS:
        raise UsageError(f"{text!r} is not a digit", hint="a digit is one of 0 to 9")
    return int(text)
