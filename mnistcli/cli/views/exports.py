"""A model that was written for other programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mnistcli.cli.numbers import n_bytes
from mnistcli.cli.output import FunctionView as View
from mnistcli.cli.views.evaluate import facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType

    from mnistcli.registry.exports import Export


def export_view(export: Export) -> View:
    """Show an export, what it is good for and what it costs to trust such a file."""

    def document() -> dict[str, Any]:
        content = asdict(export)
        advice = content.pop("advice")
        return {**content, "path": str(export.path), **advice}

    def rows() -> Iterator[Sequence[object]]:
        content = document()
        yield list(content)
        yield list(content.values())

    def table(_: Console) -> RenderableType:
        pairs = [
            (
                "Wrote",
                f"{export.path}, {n_bytes(export.n_bytes)}: {export.model} as {export.format}",
            ),
            ("Good for", export.advice.good_for),
            ("Trust", export.advice.trust),
            ("Use", export.advice.use),
            ("sha256", export.sha256),
        ]
        return facts(iter(pairs))

    return View("export", document, rows, lambda: [str(export.path)], table)
