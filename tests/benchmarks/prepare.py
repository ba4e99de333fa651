"""Write what the measured processes read: ``prepare.py HOME TASK...``."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from mnistcli.datasets.store import DatasetStore
from mnistcli.model_selection.splits import test_samples, training_samples
from mnistcli.settings import SplitSpec
from mnistcli.tasks import parse_task

home = Path(sys.argv[1])
mnist = DatasetStore(home / "datasets").open("mnist")
parts = {"train": mnist.train, "test": mnist.test}
arrays = {f"x_{name}": part.images for name, part in parts.items()}
np.savez(home / "mnist.npz", **arrays, **{f"y_{name}": part.labels for name, part in parts.items()})
zeros_and_ones = mnist.test.images[mnist.test.labels <= 1]
Image.fromarray(zeros_and_ones[0]).save(home / "one.png")
np.save(home / "many.npy", np.resize(zeros_and_ones, (10_000, 28, 28)))
for name in sys.argv[2:]:
    task, split = parse_task(name), SplitSpec()
    for part, samples in (
        ("train", training_samples(mnist, task, split)),
        ("test", test_samples(mnist, task, split)),
    ):
        rows = samples.images.reshape(len(samples), -1)
        np.save(home / f"{name}-{part}-uint8.npy", rows)
        np.save(home / f"{name}-{part}-float32.npy", rows.astype(np.float32) / 255)
        np.save(home / f"{name}-{part}-y.npy", samples.y)
