"""The pixels of straightened digits."""

from typing import TYPE_CHECKING

from mnistcli.features.kinds import Features

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mnistcli.features.kinds import FeatureSpec


class Deskew(Features):
    """The pixels of straightened images; nothing is learned."""

    summary = "those of straightened digits"

    @classmethod
    def describe(cls, _spec: "FeatureSpec", /) -> str:
        return "the pixels of straightened digits / 255"

    def transform(self, images: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
        import numpy as np

        from mnistcli.features.straightening import straightened

        return np.round(straightened(images)).astype(np.uint8).reshape(len(images), -1)
