"""What views take of rich, which is loaded where something is drawn, and not for a document."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, Group, RenderableType
    from rich.table import Table
    from rich.text import Text

# Where in rich each is.
_HOMES = {"Table": "table", "Text": "text"}
__all__ = ["Console", "Group", "RenderableType", "Table", "Text"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"rich.{_HOMES.get(name, 'console')}"), name)
