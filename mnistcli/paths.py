"""Where things live and how they may be called; nothing here reads or makes a folder.

The order is option (``--home``), then environment (``MNISTCLI_HOME``), then the platform's own
folders (``XDG_CACHE_HOME``, ``XDG_DATA_HOME`` and ``XDG_CONFIG_HOME`` where they apply).
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mnistcli.errors import StorageError, UsageError

HOME_VARIABLE = "MNISTCLI_HOME"
DEFAULTS = "defaults.toml"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}[a-z0-9]|[a-z0-9]")


class Places(NamedTuple):
    """The folders of one user, and a file; what is lost in ``models_dir`` and ``own_dir``, the
    user's own digits, is lost; the others can be deleted.
    """

    datasets_dir: Path
    models_dir: Path
    features_dir: Path
    own_dir: Path
    defaults: Path  # the file of `cli.defaults`


def find_places(home: Path | None = None, environ: Mapping[str, str] = os.environ) -> Places:
    """Return where datasets, models and features live, by option, environment and platform.

    Raises StorageError where there is no such user or no home directory, or the working folder is
    gone and the path starts there.
    """
    if home is None and environ.get(HOME_VARIABLE):
        home = Path(environ[HOME_VARIABLE])
    if home is not None:
        home = expand(home)
        try:
            home = home.absolute()
        except FileNotFoundError:
            raise StorageError("use", home, "the working folder is not there any more") from None
        names = ("datasets", "models", "features", "own", DEFAULTS)
        return Places(*(home / name for name in names))

    import platformdirs

    kinds = platformdirs.user_cache_path, platformdirs.user_data_path, platformdirs.user_config_path
    cache, data, settings = (folder_of("mnistcli", appauthor=False) for folder_of in kinds)
    for folder in (cache, data):
        # Without HOME and without a passwd entry "~" stays as it is, and a folder of that name
        # would appear in the working directory.
        if not folder.is_absolute():
            raise StorageError("use", folder, "this user has no home directory")
    homes = cache / "datasets", data / "models", cache / "features", data / "own"
    return Places(*homes, settings / DEFAULTS)


def expand(path: Path) -> Path:
    """Return a path with ``~`` or ``~user`` replaced; raise StorageError where there is no such home."""
    try:
        return path.expanduser()
    except RuntimeError:
        user = path.parts[0].removeprefix("~")
        reason = f"there is no user {user}" if user else "this user has no home directory"
        raise StorageError("use", path, reason) from None


def hint_of_missing(path: Path | str, hint: str) -> str:
    """Return what to do where a path leads nowhere: the hint, or that addresses are not fetched."""
    is_address = re.match(r"https?:/", str(path), re.IGNORECASE)
    return "nothing is fetched from there: download the file and name it" if is_address else hint


def check_ending(path: Path, endings: Sequence[str], doing: str) -> None:
    """Raise UsageError where a name does not say one of these formats."""
    if path.suffix.lower() not in endings:
        listed = " or ".join(", ".join(endings).rsplit(", ", 1))
        raise UsageError(f"cannot {doing} {path}", hint=f"end the name in {listed}")


def number_in(variable: str) -> int:
    """Return the number that an environment variable holds; 0 where it is none that can be meant."""
    text = os.environ.get(variable, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0


def check_name(name: str, *, what: str = "model name") -> str:
    """Return the name if it is one: never a path, and the same where a file system folds case."""
    if not NAME.fullmatch(name):
        hint = (
            "up to 64 lower-case letters, digits, '.', '_' and '-', a letter or digit at both ends"
        )
        if NAME.fullmatch(name.lower()):
            hint = f"did you mean {name.lower()}?"
        raise UsageError(f"{name!r} is not a {what}", hint=hint)
    return name


def did_you_mean(word: str, choices: Iterable[str], *, before: str = "") -> str:
    """Return a hint at the choice that is spelt most like a word, "" if none is."""
    from difflib import get_close_matches

    bare = word.lower().lstrip("-")
    by_bare = {choice.lower().lstrip("-"): choice for choice in choices}
    near = get_close_matches(bare, by_bare, 1) if len(bare) > 1 or bare in by_bare else []
    return f"did you mean {before}{by_bare[near[0]]}?" if near else ""
