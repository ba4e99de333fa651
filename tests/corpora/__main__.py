"""Ask what digit is in every file of other people's collections of odd pictures.

``python -m tests.corpora FOLDER...`` looks into folders, and into source distributions in them.
Each file must give a prediction or one line that says why not, with its exit code, and no
traceback, in at most two seconds and 300 MB of memory. The seconds are the processor's, so that a
busy machine does not matter.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(sys.executable).with_name("mnistcli")
MAX_SECONDS, MAX_MEGABYTES = 2.0, 300
# An answer, a bad image, a file that holds several pictures, some of them bad.
GOOD_CODES = {0, 6, 7}
# The pictures in PngSuite as pypng's source distribution has them.
HEXADECIMAL = re.compile(r"'(\w+)': _dehex\(b\"\"\"\n(.*?)\"\"\"\)", re.DOTALL)


@dataclass(frozen=True)
class Outcome:
    """What became of one file."""

    path: Path
    code: int
    seconds: float
    megabytes: float
    said: str

    @property
    def faults(self) -> list[str]:
        errors = [line for line in self.said.splitlines() if not line.startswith("hint: ")]
        checks = {
            f"exit code {self.code}": self.code not in GOOD_CODES,
            "a traceback": "Traceback" in self.said,
            f"{len(errors)} lines": self.code == 6 and len(errors) != 1,
            f"{self.seconds:.1f} s": self.seconds > MAX_SECONDS,
            f"{self.megabytes:.0f} MB": self.megabytes > MAX_MEGABYTES,
        }
        return [fault for fault, found in checks.items() if found]


def unpacked(archive: Path, folder: Path) -> None:
    """Take the pictures out of a source distribution."""
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            if "/tests/images/" in member.name.lower() and member.isfile():
                tar.extract(member, folder, filter="data")
            elif member.name.endswith("/pngsuite.py") and (file := tar.extractfile(member)):
                for name, digits in HEXADECIMAL.findall(file.read().decode()):
                    (folder / f"{name}.png").write_bytes(bytes.fromhex(digits))


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def with_packed(paths: list[Path], scratch: Path) -> Iterator[Path]:
    """Yield every file, those in source distributions too."""
    for path in paths:
        if path.name.endswith(".tar.gz"):
            inside = scratch / path.name
            inside.mkdir()
            unpacked(path, inside)
            yield from files_below(inside)
        else:
            yield path


def asked(path: Path, home: Path) -> Outcome:
    """Run one process; its memory is what the operating system counted."""
    with tempfile.TemporaryFile() as said:
        command = [PROGRAM, "--home", home, "predict", "-q", path]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        late = threading.Timer(60, process.kill)
        late.start()
        _, status, usage = os.wait4(process.pid, 0)
        late.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode("utf-8", "replace")
    seconds = usage.ru_utime + usage.ru_stime
    megabytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    return Outcome(path, process.returncode, seconds, megabytes, text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    folders = parser.parse_args().folders
    # Before there is a home, which nox has put into its own temporary folder, and so into this one.
    paths = [path for folder in folders for path in files_below(folder)]
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch, "home")
        train = ["train", "--task", "digits", "--limit", "1000", "-q"]
        subprocess.run([PROGRAM, "--home", home, *train], check=True, stdout=subprocess.DEVNULL)
        outcomes = []
        for path in with_packed(paths, Path(scratch)):
            outcomes.append(asked(path, home))
            if outcomes[-1].faults:
                print(f"{path.name}: {', '.join(outcomes[-1].faults)}\n{outcomes[-1].said}")
    codes = Counter(outcome.code for outcome in outcomes)
    slowest = max(outcomes, key=lambda outcome: outcome.seconds)
    largest = max(outcomes, key=lambda outcome: outcome.megabytes)
    n_faults = sum(bool(outcome.faults) for outcome in outcomes)
    ended = ", ".join(f"{n} with exit code {code}" for code, n in sorted(codes.items()))
    print(f"{len(outcomes)} files: {ended}")
    print(f"slowest {slowest.path.name}, {slowest.seconds:.2f} s")
    print(f"largest {largest.path.name}, {largest.megabytes:.0f} MB")
    print(f"{n_faults} not as they should be")
    sys.exit(n_faults > 0)


if __name__ == "__main__":
    main()
