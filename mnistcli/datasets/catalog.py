"""What datasets exist, where their files are, and by which checksums they are known.

Two kinds of checksum are at work. The one of a published file says whether a download is that
file. The one of the *payload*, the decoded pixels or labels without any header, is the identity of
the data: whatever container MNIST arrives in (IDX, ARFF, npz), its payload is the same, and so is
the trust in it. Where the payload's checksum is not known, only the published files are accepted.

Sources of the checksums: torchvision ``datasets/mnist.py`` (md5), TensorFlow Datasets
``url_checksums`` (sha256, sizes); MNIST's payloads were hashed from the canonical files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

from mnistcli.mnist import IMAGE_SHAPE

PartName = Literal["train-images", "train-labels", "test-images", "test-labels"]
PART_NAMES: tuple[PartName, ...] = get_args(PartName)
# Where a dataset can come from, beside URLs and paths.
NAMED_SOURCES = ("auto", "bundled", "mirror", "openml", "keras")


class RemoteFile(NamedTuple):
    """A file as it is published."""

    name: str  # behind a mirror's base URL
    checksum: str  # "sha256:...", or "md5:..." where nothing better is published
    n_bytes: int | None = None


class PartSpec(NamedTuple):
    """One of the four arrays of a dataset, all of uint8."""

    name: PartName
    shape: tuple[int, ...]  # (n, 28, 28) for images, (n,) for labels
    file: RemoteFile  # the published IDX file, gzipped
    payload_sha256: str | None = None  # of the array's bytes in C order, where it is known


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """All that is known of a dataset before any of its bytes is seen.

    What can be had from several places names the best first. Plain http stands only where there is
    nothing else, or last: the checksum decides, not the channel.
    """

    name: str
    title: str
    parts: tuple[PartSpec, ...]  # in the order of `PART_NAMES`
    mirrors: tuple[str, ...]  # base URLs
    attribution: str  # whom to thank
    licence: str
    bundled: bool = False  # the published files are inside this package
    openml_urls: tuple[str, ...] = ()  # the dataset as one ARFF file
    keras_url: str | None = None  # the dataset as one npz file

    @property
    def has_known_payload(self) -> bool:
        """Whether any container of this dataset can be trusted, not only the published files."""
        return all(part.payload_sha256 for part in self.parts)

    def part(self, name: PartName) -> PartSpec:
        """Return the part of that name."""
        return self.parts[PART_NAMES.index(name)]


def _parts(
    files: tuple[RemoteFile, ...],
    payloads: tuple[str | None, ...] = (None,) * len(PART_NAMES),
    n_train: int = 60_000,
    n_test: int = 10_000,
) -> tuple[PartSpec, ...]:
    shapes = ((n_train, *IMAGE_SHAPE), (n_train,), (n_test, *IMAGE_SHAPE), (n_test,))
    rows = zip(PART_NAMES, shapes, files, payloads, strict=True)
    return tuple(PartSpec(name, shape, file, payload) for name, shape, file, payload in rows)


def own_spec(name: str, n_train: int, n_test: int) -> DatasetSpec:
    """Describe a dataset of the user's own, which nobody publishes."""
    parts = _parts((RemoteFile("", ""),) * len(PART_NAMES), n_train=n_train, n_test=n_test)
    return DatasetSpec(name, name, parts, mirrors=(), attribution="", licence="")


def _files(*rows: tuple[int, str]) -> tuple[RemoteFile, ...]:
    names = (
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    )
    return tuple(
        RemoteFile(name, f"sha256:{sha256}", n_bytes)
        for name, (n_bytes, sha256) in zip(names, rows, strict=True)
    )


_MNIST = DatasetSpec(
    name="mnist",
    title="MNIST",
    parts=_parts(
        _files(
            (9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            (28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            (1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            (4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        ),
        (
            "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
            "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
            "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
            "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
        ),
    ),
    # The original host answers 403 since 2020 and speaks plain http only: not in the list.
    mirrors=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
        "https://azureopendatastorage.blob.core.windows.net/mnist/",
        "https://sagemaker-sample-files.s3.amazonaws.com/datasets/image/MNIST/",
    ),
    attribution="Y. LeCun, C. Cortes, C. J. C. Burges: The MNIST database of handwritten digits",
    licence="CC BY-SA 3.0",
    bundled=True,
    openml_urls=(
        "https://www.openml.org/data/download/52667/mnist_784.arff",
        "https://openml.org/data/v1/download/52667/mnist_784.arff",
    ),
    keras_url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
)

_FASHION_MNIST = DatasetSpec(
    name="fashion-mnist",
    title="Fashion-MNIST",
    parts=_parts(
        _files(
            (26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            (29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            (4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            (5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
        )
    ),
    mirrors=(
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    attribution="H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST (arXiv:1708.07747), Zalando SE",
    licence="MIT",
)

_KMNIST = DatasetSpec(
    name="kmnist",
    title="Kuzushiji-MNIST",
    parts=_parts(
        _files(
            (18165135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
            (29497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
            (3041136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
            (5120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
        )
    ),
    mirrors=("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
    attribution='"KMNIST Dataset" (created by CODH), adapted from "Kuzushiji Dataset" '
    "(created by NIJL and others), doi:10.20676/00000341",
    licence="CC BY-SA 4.0",
)

# The labels of QMNIST are IDX2 files of int32 with eight columns; the first is the digit, the
# others tell the writer and the NIST source. Its test set is MNIST's 10,000 and the 50,000 "lost".
_QMNIST = DatasetSpec(
    name="qmnist",
    title="QMNIST",
    parts=_parts(
        (
            RemoteFile("qmnist-train-images-idx3-ubyte.gz", "md5:ed72d4157d28c017586c42bc6afe6370"),
            RemoteFile(
                "qmnist-train-labels-idx2-int.gz",
                "sha256:2c05dc77f6b916b38e455e97ab129a42a444f3dbef09b278a366f82904e0dd9f",
                463024,
            ),
            RemoteFile("qmnist-test-images-idx3-ubyte.gz", "md5:1394631089c404de565df7b7aeaf9412"),
            RemoteFile(
                "qmnist-test-labels-idx2-int.gz",
                "sha256:9fbcbe594c3766fdf4f0b15c5165dc0d1e57ac604e01422608bb72c906030d06",
                526800,
            ),
        ),
        n_test=60_000,
    ),
    mirrors=("https://raw.githubusercontent.com/facebookresearch/qmnist/master/",),
    attribution="C. Yadav, L. Bottou: Cold Case: The Lost MNIST Digits (arXiv:1905.10498)",
    licence="BSD-style",
)

_SPECS = {spec.name: spec for spec in (_MNIST, _FASHION_MNIST, _KMNIST, _QMNIST)}
CATALOG: Mapping[str, DatasetSpec] = MappingProxyType(_SPECS)
