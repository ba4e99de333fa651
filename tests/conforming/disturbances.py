"""What can happen to a digit on its way to us, each a function of a digit and a generator.

``python -m tests.conforming.disturbances [-n 1000] [--kinds NAME ...]`` counts how many labels survive.
"""

from __future__ import annotations

import argparse
import io
import time
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from mnistcli.conforming.placing import conform
from mnistcli.errors import BadImageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Grey = NDArray[np.uint8]
    Disturbance = Callable[[Grey, np.random.Generator], Grey]
    Labels = Callable[[Grey], NDArray[np.intp]]


def enlarged(digit, k, how="BICUBIC"):
    return np.array(Image.fromarray(digit).resize((28 * k, 28 * k), Image.Resampling[how]))


def padded(picture, rng, level=0):
    top, bottom, left, right = rng.integers(0, picture.shape[0] // 2, 4)
    return np.pad(picture, ((top, bottom), (left, right)), constant_values=level)


def on_paper(digit, rng, *, noise=0.0, shadow=0.0):
    """Dark blue ink on cream paper; the light falls off by a share of itself to one side."""
    height, width = digit.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    turn = rng.uniform(0, 6.28)
    light = 1 - shadow * (1 + np.cos(turn) * x + np.sin(turn) * y) / 2.5
    picture = 235 * light * (1 - 0.83 * digit / 255)
    return (picture + rng.normal(0, noise, digit.shape)).clip(0, 255).astype(np.uint8)


def in_bent_light(digit, rng, *, noise):
    """Dark ink on a sheet that is not flat: light that falls off, and not evenly."""
    height, width = digit.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    turn = rng.uniform(0, 6.28)
    light = np.cos(turn) * x + np.sin(turn) * y + rng.uniform(-0.5, 0.5) * (x * x + y * y)
    light = 240 * (1 - 110 / 255 * (light - light.min()) / np.ptp(light))
    picture = light * (1 - digit / 255 * (1 - 40 / 255))
    return (picture + rng.normal(0, noise, digit.shape)).clip(0, 255).round().astype(np.uint8)


def as_jpeg(picture, quality):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def _disturbances() -> dict[str, Disturbance]:
    def enlarge(k, how):
        return lambda d, _: enlarged(d, k, how)

    table = {
        f"{how.lower()} x{k}": enlarge(k, how)
        for how in ("NEAREST", "BILINEAR", "BICUBIC", "LANCZOS")
        for k in (3, 7, 12, 20)
    }
    return table | {
        "shifted": lambda d, r: np.roll(np.pad(d, 9), tuple(r.integers(-9, 10, 2)), (0, 1)),
        "padded": padded,
        "inverted, padded x5": lambda d, r: padded(255 - enlarged(d, 5), r, 255),
        "JPEG 75 x8": lambda d, _: as_jpeg(255 - enlarged(d, 8), 75),
        "JPEG 75 x3": lambda d, _: as_jpeg(255 - enlarged(d, 3, "BILINEAR"), 75),
        "JPEG 30 x6": lambda d, _: as_jpeg(255 - enlarged(d, 6), 30),
        "faint x6": lambda d, _: (200 - enlarged(d, 6) * 0.25).astype(np.uint8),
        "noise 3 x3": lambda d, r: on_paper(enlarged(d, 3), r, noise=3),
        "noise 8 x3": lambda d, r: on_paper(enlarged(d, 3), r, noise=8),
        "noise 8 x6": lambda d, r: on_paper(enlarged(d, 6), r, noise=8),
        "noise 16 x3": lambda d, r: on_paper(enlarged(d, 3), r, noise=16),
        "noise 16 x9": lambda d, r: on_paper(enlarged(d, 9), r, noise=16),
        "shaded x4": lambda d, r: on_paper(enlarged(d, 4), r, shadow=0.5),
        "shaded, noise 5 x4": lambda d, r: in_bent_light(padded(enlarged(d, 4), r), r, noise=5),
        "shaded, noise 5 x10": lambda d, r: on_paper(enlarged(d, 10), r, noise=5, shadow=0.5),
        "bent light x4": lambda d, r: in_bent_light(enlarged(d, 4), r, noise=0),
        "chalk x5": lambda d, r: 255 - on_paper(enlarged(d, 5), r, noise=5),
    }


DISTURBANCES = _disturbances()


def conformed(digits: Grey, disturb: Disturbance) -> tuple[Grey, Counter[str]]:
    """Disturb digits, bring them back, and count the refusals, which come back black."""
    rng = np.random.default_rng(4)
    seen = np.zeros_like(digits)
    refused: Counter[str] = Counter()
    for image, digit in zip(seen, digits, strict=True):
        try:
            image[:] = conform(disturb(digit, rng)).image
        except BadImageError as error:
            refused[error.problem] += 1
    return seen, refused


def agreement(labels: Labels, digits: Grey, disturb: Disturbance) -> float:
    """The share of digits whose label is still the same."""
    return float(np.mean(labels(conformed(digits, disturb)[0]) == labels(digits)))


def main() -> None:
    import mnistcli

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", default=list(DISTURBANCES))
    asked = parser.parse_args()
    dataset = mnistcli.open_dataset()
    model = mnistcli.train("digits", dataset).model
    digits = np.asarray(dataset.test.images[asked.start : asked.start + asked.n])

    def labels(images: Grey) -> NDArray[np.intp]:
        return mnistcli.predict(model, images).classes

    each = []
    for kind in asked.kinds:
        start = time.process_time()
        seen, refused = conformed(digits, DISTURBANCES[kind])
        milliseconds = 1e3 * (time.process_time() - start) / len(digits)
        wrong = np.abs(seen.astype(int) - digits).mean()
        each.append(float(np.mean(labels(seen) == labels(digits))))
        said = ", ".join(f"{n} {what}" for what, n in refused.items())
        figures = f"{each[-1]:7.2%}   {wrong:5.2f} grey levels off   {milliseconds:4.0f} ms"
        print(f"{kind:20} {figures}   {said}", flush=True)
    print(f"{'mean':20} {np.mean(each):7.2%}\n{'worst':20} {min(each):7.2%}")


if __name__ == "__main__":
    main()
