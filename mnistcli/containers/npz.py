"""npz, the format of np.savez: a zip archive of NPY files, and which of them are what."""

import math
import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from mnistcli.containers.arrays import RawArray
from mnistcli.containers.compressed import open_member, open_zip
from mnistcli.containers.npy import open_npy
from mnistcli.containers.reading import FormatError, Stream

if TYPE_CHECKING:
    import zipfile


Part = Literal["train", "test"]

IMAGES = frozenset("images image imgs x data pixels features arr0".split())  # noqa: SIM905
LABELS = frozenset("labels label y target targets class classes digits arr1".split())  # noqa: SIM905
PARTS: dict[str, Literal["train", "test", "val"]] = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "t10k": "test"
}  # fmt: skip
PARTS |= dict.fromkeys("val valid validation dev".split(), "val")  # noqa: SIM905


class Npz(NamedTuple):
    """An npz file that is open, and the names of its arrays."""

    stream: Stream
    archive: "zipfile.ZipFile"
    names: tuple[str, ...]

    def open(self, name: str) -> RawArray:
        """Read the header of an array."""
        member = open_member(self.archive, f"{name}.npy", self.stream)
        return open_npy(member, f"{name!r} in it ")

    def pair(self, part: Part = "test") -> tuple[str, str | None, str]:
        """Tell which array has the images and which their labels, and say what was not taken.

        Raises FormatError where there are no images, or it cannot be told which they are.
        """
        roles: dict[tuple[str, str], list[str]] = {}
        for name in sorted(self.names, key=lambda name: _role_of(name)[1]):
            roles.setdefault(_role_of(name)[0], []).append(name)
        for of in dict.fromkeys((part, "", "val", "train")):
            images, labels = (
                [name for name in names if _role_of(name)[1] == _role_of(names[0])[1]]
                for names in (roles.get((role, of), []) for role in ("images", "labels"))
            )
            if max(len(images), len(labels)) > 1 and len(self.names) > 2:
                raise FormatError(f"may have its digits in any of {_listed(images + labels)}")
            if len(images) == 1 and len(labels) < 2:
                others = {of_other for role, of_other in roles if role == "images"} - {of}
                note = f"{images[0]!r} was read, of {_listed(self.names)}" if others else ""
                return images[0], labels[0] if labels else None, note
        if len(self.names) == 1:
            return self.names[0], None, ""
        if len(self.names) == 2:
            shapes = {name: self.open(name).shape for name in self.names}
            larger, smaller = sorted(self.names, key=lambda name: -math.prod(shapes[name]))
            if math.prod(shapes[smaller]) in shapes[larger][:1]:
                return larger, smaller, f"{larger!r} was read, with {smaller!r} as its labels"
        raise FormatError(
            f"has the arrays {_listed(self.names)}", hint="call them 'images' and 'labels'"
        )


def open_npz(stream: Stream) -> Npz:
    """Open an npz file."""
    archive = open_zip(stream)
    names = [name for name in archive.namelist() if name.endswith(".npy")]
    if not names:
        raise FormatError("holds no arrays")
    return Npz(stream, archive, tuple(name.removesuffix(".npy") for name in names))


def _role_of(name: str) -> tuple[tuple[str, str], int]:
    """Tell what a name means, of which part, and how many words more it has: "X_test" -> images."""
    base = name.rpartition("/")[2].lower().replace("arr_", "arr")
    words = re.sub(r"(train(?:ing)?|test(?:ing)?|t10k)", r" \1 ", base)
    split = re.findall("[a-z0-9]+", words)
    part = next((PARTS[word] for word in split if word in PARTS), "")
    rest = [word for word in split if word not in PARTS] or [""]
    role = "images" if rest[-1] in IMAGES else "labels" if rest[-1] in LABELS else ""
    return (role, part), len(rest)


def _listed(names: list[str] | tuple[str, ...]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:6])
    return f"{shown}, ..." if len(names) > 6 else shown
