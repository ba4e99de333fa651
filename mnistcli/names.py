"""Words that name what the user keeps: models, tags, datasets."""

import re

from mnistcli.errors import UsageError

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}[a-z0-9]|[a-z0-9]")


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
