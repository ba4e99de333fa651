"""A model as a pickled scikit-learn Pipeline."""

import io

from mnistcli.registry.exports import Exporter
from mnistcli.registry.model_file import Model


def encode(model: Model) -> bytes:
    """Return the bytes that ``joblib.load`` reads."""
    import joblib

    from mnistcli.registry.exports.estimator import make_estimator

    file = io.BytesIO()
    joblib.dump(make_estimator(model), file)
    return file.getvalue()


EXPORTER = Exporter(
    encode,
    what="a scikit-learn Pipeline, pickled",
    good_for="Python with the same scikit-learn, and mnistcli for features: rows of 784 pixels, 0 to 255",
    trust="loading it runs code from the file: load only what comes from somebody you trust",
    use="joblib.load({file}).predict(images.reshape(-1, 784))",
)
