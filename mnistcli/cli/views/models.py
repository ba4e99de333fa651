"""What is in the store and in the registry, as tables and documents."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mnistcli.cli.numbers import n_bytes, percent, seconds
from mnistcli.cli.output import FunctionView as View
from mnistcli.cli.views.evaluate import facts
from mnistcli.cli.views.train import describe_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType

    from mnistcli.datasets import Installation
    from mnistcli.registry.card import ModelCard
    from mnistcli.registry.store import ModelSummary


def installation_view(installation: Installation, *, checked: bool) -> View:
    """Show an installed dataset."""

    def document() -> dict[str, Any]:
        content = asdict(installation)
        content["folder"] = str(installation.folder)
        content["failures"] = [
            {"source": source, "reason": reason} for source, reason in installation.failures
        ]
        return {**content, "checked": checked}

    def rows() -> Iterator[Sequence[object]]:
        yield "file", "shape", "n_bytes", "sha256"
        for file in installation.files:
            shape = "x".join(str(n) for n in file.shape)
            yield file.name, shape, file.n_bytes, file.sha256

    def table(_: Console) -> RenderableType:
        from rich import box
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        files = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        files.add_column("array")
        files.add_column("shape")
        files.add_column("size", justify="right")
        files.add_column("sha256 of the pixels or labels", overflow="fold")
        for file in installation.files:
            shape = " x ".join(f"{n:,}" for n in file.shape)
            files.add_row(file.name, shape, n_bytes(file.n_bytes), file.sha256)
        return Group(facts(_installation_facts(installation, checked=checked)), Text(), files)

    return View("download", document, rows, lambda: [str(installation.folder)], table)


def _installation_facts(installation: Installation, *, checked: bool) -> Iterator[tuple[str, str]]:
    state = "was there already" if installation.already_there else "installed"
    if checked:
        state = "checked: every byte is as it should be"
    yield "Dataset", f"{installation.dataset}, {state}"
    yield "Source", f"{installation.source}, {n_bytes(installation.n_bytes_read)} read"
    is_boxed = installation.source == "bundled"
    yield "From", "the four files inside this package" if is_boxed else installation.origin
    for source, reason in installation.failures:
        yield "Failed", f"{source}: {reason}"
    yield "Folder", str(installation.folder)
    yield "sha256", installation.sha256


def models_view(summaries: Sequence[ModelSummary]) -> View:
    """List models."""

    def document() -> dict[str, Any]:
        return {"models": [_summary_document(summary) for summary in summaries]}

    def rows() -> Iterator[Sequence[object]]:
        yield ("model", "tags", "task", "penalty", "C", "solver", "test_accuracy", "created",
               "n_bytes", "problem")  # fmt: skip
        for summary in summaries:
            card = summary.card
            known = (
                (card.task.name, card.settings.penalty, card.settings.C, card.settings.solver,
                 card.metrics.get("test_accuracy"), card.created)
                if card
                else (None,) * 6
            )  # fmt: skip
            tags = ",".join(summary.tags)
            yield summary.entry.ref, tags, *known, summary.n_bytes, summary.problem

    def table(_: Console) -> RenderableType:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        if not summaries:
            return Text("No models yet. Train one: mnistcli train --task 0v1")
        models = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        models.add_column("model", style="bold")
        models.add_column("test accuracy", justify="right")
        models.add_column("what")
        models.add_column("created")
        models.add_column("tags")
        for summary in summaries:
            models.add_row(summary.entry.ref, *_summary_cells(summary), ", ".join(summary.tags))
        return models

    return View("models", document, rows, lambda: [s.entry.ref for s in summaries], table)


def _summary_cells(summary: ModelSummary) -> tuple[str, str, str]:
    card = summary.card
    if card is None:
        return "-", summary.problem, "-"
    what = f"{card.task.name}, {card.settings.penalty}, C = {card.settings.C:g}"
    accuracy = card.metrics.get("test_accuracy")
    shown = percent(accuracy) if isinstance(accuracy, float) else "-"
    return shown, what, card.created[:16].replace("T", " ")


def _summary_document(summary: ModelSummary) -> dict[str, Any]:
    return {
        "model": summary.entry.ref,
        "path": str(summary.entry.path),
        "n_bytes": summary.n_bytes,
        "tags": list(summary.tags),
        "card": summary.card.document() if summary.card else None,
        "problem": summary.problem or None,
    }


def model_view(summary: ModelSummary) -> View:
    """Show one model's card."""
    card = summary.card

    def rows() -> Iterator[Sequence[object]]:
        yield "field", "value"
        yield from _flat(_summary_document(summary))

    def table(_: Console) -> RenderableType:
        pairs = [
            ("Model", summary.entry.ref),
            ("Tags", ", ".join(summary.tags) or "none"),
            ("File", f"{summary.entry.path}, {n_bytes(summary.n_bytes)}"),
        ]
        if card is None:
            pairs.append(("Problem", summary.problem))
        else:
            pairs += card_facts(card)
        return facts(iter(pairs))

    return View(
        "model", lambda: _summary_document(summary), rows, lambda: [summary.entry.ref], table
    )


def card_facts(card: ModelCard) -> Iterator[tuple[str, str]]:
    """Say all that a card holds, in pairs of a name and what it says."""
    yield "Task", f"{card.task.name}: {', '.join(card.class_names)}"
    yield "Model", describe_settings(card)
    yield "Data", f"{card.dataset}, {card.split.kind} split, seed {card.split.seed}"
    yield "", f"{card.n_train:,} training and {card.n_test:,} test images"
    yield "", f"sha256 {card.dataset_sha256}"
    converged = "converged" if card.certificate.get("converged") else "did NOT converge"
    yield "Solver", f"{card.settings.solver}: {converged} in {seconds(card.fit_seconds)}"
    for name, value in card.certificate.items():
        if name != "converged" and value is not None:
            yield "", f"{name} {value}"
    for i, (name, value) in enumerate(card.metrics.items()):
        yield "" if i else "Metrics", f"{name} {value}"
    yield "Versions", ", ".join(f"{name} {version}" for name, version in card.versions.items())
    yield "Created", card.created
    yield "Command", card.command or "(from Python)"


def _flat(content: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, (list, tuple)):
            yield f"{prefix}{key}", ",".join(str(item) for item in value)
        else:
            yield f"{prefix}{key}", value


def path_view(path: str) -> View:
    """Show where something is."""
    return View(
        "path",
        lambda: {"path": path},
        lambda: [["path"], [path]],
        lambda: [path],
        lambda _: path,
    )
