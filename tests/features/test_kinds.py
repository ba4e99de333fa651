"""Every kind of features keeps what it needs, and a new one is known everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import mnistcli
from mnistcli.features import FeatureSpec
from mnistcli.features.kinds import learn_features, restore_features

EXPANSION = {"n_directions": 20, "n_relus": 40, "n_squares": 10}
SPECS = (
    FeatureSpec("patches", sides=(5, 9), n_filters=8),
    FeatureSpec("deskew"),
    FeatureSpec(),
    FeatureSpec("patches+expansion", sides=(5,), n_filters=8, **EXPANSION),
    FeatureSpec("pixels+expansion", **EXPANSION),
    FeatureSpec("scattering"),
    FeatureSpec("arrangements+expansion", n_codes=8, **EXPANSION),
    FeatureSpec("pixels+patches+expansion+scattering", sides=(5,), n_filters=8, **EXPANSION),
)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.kind)
def test_what_is_kept_brings_the_features_back(mnist, spec):
    images = mnist.train.images[:100]
    features = learn_features(spec, images, 0)
    kept = features.arrays if features else {}
    assert {name: array.shape for name, array in kept.items()} == spec.shapes()
    again = restore_features(spec, kept)
    if features is None:
        assert again is None
        return
    rows = features.transform(images[:5])
    assert (rows.shape, rows.dtype) == ((5, spec.count()), np.uint8)
    np.testing.assert_array_equal(again.transform(images[:5]), rows)


MEASURED = {
    FeatureSpec("scattering"): 127 * 36,
    FeatureSpec("arrangements", n_codes=40): 40 * 16,
}


@pytest.mark.parametrize(("spec", "n_features"), MEASURED.items(), ids=lambda it: str(it)[:30])
def test_features_do_not_depend_on_the_company(mnist, spec, n_features):
    features, images = learn_features(spec, mnist.train.images[:500], 0), mnist.train.images[:100]
    together = features.transform(images)
    alone = np.concatenate([features.transform(image[None]) for image in images[:10]])
    assert np.abs(alone.astype(int) - together[:10]).max() <= 1
    assert features.transform(images[:0]).shape == (0, n_features)


# What a new file in the package and one more entry of FEATURE_KINDS would be.
STRIPES = """
    import sys
    import numpy as np
    from mnistcli.features import FEATURE_KINDS, FURTHER_STAGES, Stage

    class Stripes(Stage):
        summary = "the ink of each row"
        has_pixel_weights = False
        def learn(self, images, seed):
            return {"weights": np.full((1, 28), 1 / 28, np.float32)}
        def shapes(self):
            return {"weights": (1, 28)}
        def count(self):
            return 28
        def describe(self, before):
            return "28 rows"
        def transform(self, images):
            return np.round(images @ self.arrays["weights"][0]).astype(np.uint8)
        def filters(self):
            return (self.arrays["weights"].reshape(1, 1, 28).repeat(28, axis=1),)

    class Halves(Stage):
        summary = "half of the features"
        has_pixel_weights = False
        def count(self):
            return 14
        def describe(self, before):
            return "half of " + before
        def transform(self, rows):
            return rows[:, 7:21]

    FEATURE_KINDS["stripes"] = Stripes
    FURTHER_STAGES["halves"] = Halves
    from mnistcli.cli.app import app
    for line in sys.argv[1:]:
        print(f"--- {line}", flush=True)
        try:
            app(line.split(), prog_name="mnistcli")
        except SystemExit as end:
            assert not end.code or "export" in line, (line, end.code)
        sys.stdout.flush()
"""


def test_a_new_kind_is_one_class_and_one_entry(home):
    lines = (
        "train --help",
        "train -t 0v1 --limit 300 --features stripes",
        "models info 0v1",
        "evaluate 0v1",
        "predict --index 7",
        "show --filters 0v1",
        "report 0v1 -o page.html",
        "train -t 0v1 --limit 300 --features stripes --C 0.1 --no-save",
        "models reproduce 0v1 -q",
        "train -t 0v1 --limit 300 --features stripes+halves --name halves",
        "models info halves",
        "evaluate halves",
        "show --filters halves",
        "models reproduce halves -q",
        "models export 0v1 --to json",
        "models export 0v1 --to onnx",
    )
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(STRIPES), *lines],
        capture_output=True, text=True, cwd=home, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(mnistcli.__file__).parents[1]), "COLUMNS": "200"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    parts = dict(part.split("\n", 1) for part in ended.stdout.split("--- ")[1:])
    assert (
        "[pixels|deskew|patches|scattering|arrangements|stripes][+expansion|halves][+...]"
        in parts[lines[0]]
    )
    assert "stripes: the ink of each row" in " ".join(parts[lines[0]].split())
    assert "logistic regression on 28 rows, L2 penalty" in parts[lines[1]]
    assert "28 rows" in parts[lines[2]]
    assert "28 x 28 #0" in parts[lines[5]]
    assert parts[lines[8]] == "reproduced\n"
    assert "half of 28 rows" in parts[lines[9]]
    assert "half of 28 rows" in parts[lines[10]]
    assert "28 x 28 #0" in parts[lines[12]]
    assert parts[lines[13]] == "reproduced\n"
    assert "json has no words for features of the kind stripes" in ended.stderr
    assert "onnx has no graph for features of the class Stripes" in ended.stderr
    assert len(list((home / "features").glob("*"))) == 2
