"""Trainings and evaluations as tables and documents."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mnistcli.cli.output import View
from mnistcli.cli.render.numbers import decimal, percent, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType
    from rich.style import Style

    from mnistcli.cli.render.bitmap import Tile
    from mnistcli.cli.render.ladder import Render
    from mnistcli.evaluation import JudgedModel, Mistake
    from mnistcli.metrics.classification import Evaluation
    from mnistcli.registry.store import ModelEntry
    from mnistcli.settings import SolverSettings
    from mnistcli.training import Training

_SCALARS = (
    "accuracy",
    "baseline_accuracy",
    "balanced_accuracy",
    "log_loss",
    "roc_auc",
    "average_precision",
)


def training_view(training: Training, entry: ModelEntry | None) -> View:
    """Show a training; ``entry`` is None where the model was not saved."""
    card = training.model.card

    def document() -> dict[str, Any]:
        cross_validation = training.cross_validation
        return {
            "model": entry.ref if entry else None,
            "path": str(entry.path) if entry else None,
            "task": training.task.name,
            "class_names": list(training.task.class_names),
            "dataset": card.dataset,
            "dataset_sha256": card.dataset_sha256,
            "n_train": training.n_train,
            "n_test": training.n_test,
            "split": asdict(card.split),
            "settings": asdict(card.settings),
            "fit": {"fit_seconds": training.fit.fit_seconds, **asdict(training.fit.certificate)},
            "cross_validation": asdict(cross_validation) if cross_validation else None,
            "train_accuracy": training.train_accuracy,
            "test": evaluation_document(training.evaluation),
        }

    def rows() -> Iterator[Sequence[object]]:
        yield ("model", "task", "penalty", "C", "solver", "converged", "objective", "fit_seconds",
               "train_accuracy", "cv_accuracy", "test_accuracy")  # fmt: skip
        yield (
            entry.ref if entry else None,
            training.task.name,
            card.settings.penalty,
            card.settings.C,
            training.solver,
            str(training.fit.certificate.converged).lower(),
            training.fit.certificate.objective,
            round(training.fit.fit_seconds, 4),
            training.train_accuracy,
            training.cross_validation.mean if training.cross_validation else None,
            training.evaluation.accuracy,
        )

    def table(_: Console) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        parts = [
            facts(_training_facts(training)),
            Text(),
            classification_report(training.evaluation, "on the test images"),
            Text(),
        ]
        if entry:
            parts.append(Text.assemble("Saved ", (entry.ref, "bold"), f" in {entry.path}"))
            parts.append(Text.assemble("Next  ", (f"mnistcli evaluate {entry.ref}", "bold")))
        else:
            parts.append(Text("Not saved."))
        return Group(*parts)

    return View("train", document, rows, lambda: [entry.ref] if entry else [], table)


def _training_facts(training: Training) -> Iterator[tuple[str, str]]:
    card, task = training.model.card, training.task
    if task.is_binary:
        negative, positive = task.class_names
        yield "Task", f"{task.name}: {negative} or {positive}; {positive} is the positive class"
    else:
        yield "Task", f"{task.name}: one of {', '.join(task.class_names)}"
    part = "standard split" if card.split.kind == "standard" else "random split"
    yield (
        "Data",
        f"{card.dataset}, {part}: {training.n_train:,} training and {training.n_test:,} test images",
    )
    yield "Model", describe_settings(card.settings)
    yield "Solver", describe_convergence(training)
    yield "Optimum", describe_optimum(training)
    if training.cross_validation:
        folds = training.cross_validation
        yield "Folds", "  ".join(f"{accuracy:.4f}" for accuracy in folds.accuracies)
        summary = f"mean {folds.mean:.4f}, standard deviation {folds.standard_deviation:.4f}"
        if folds.n_not_converged:
            summary += f"; {folds.n_not_converged} of the fits did NOT converge"
        yield "", summary
    evaluation = training.evaluation
    yield "Training", f"{percent(training.train_accuracy)} right"
    yield (
        "Test",
        f"{percent(evaluation.accuracy)} right: {evaluation.n_correct:,} of {evaluation.n_samples:,}",
    )
    yield (
        "To beat",
        f"{percent(evaluation.baseline_accuracy)}: always answering {evaluation.baseline_class}",
    )


def describe_settings(settings: SolverSettings) -> str:
    """Say in words what is minimised."""
    text = "logistic regression on pixels / 255, "
    if settings.penalty == "none":
        text += "no penalty"
    elif settings.penalty == "elasticnet":
        text += f"elastic net (L1 share {settings.l1_ratio:g}), C = {settings.C:g}"
    else:
        text += f"{settings.penalty.upper()} penalty, C = {settings.C:g}"
    if settings.class_weight:
        text += ", balanced class weights"
    return text


def describe_convergence(training: Training) -> str:
    """Say in words whether and how the solver finished."""
    certificate = training.fit.certificate
    n = certificate.n_iterations
    iterations = f"{n} iteration{'' if n == 1 else 's'}"
    took = f"{iterations} in {seconds(training.fit.fit_seconds)}"
    if certificate.converged:
        return f"{training.solver}: converged, {took}"
    return f"{training.solver}: did NOT converge in {took}; raise --max-iter"


def describe_optimum(training: Training) -> str:
    """Say how far the answer can be from the best one."""
    certificate = training.fit.certificate
    text = (
        f"objective {certificate.objective:.6g}, "
        f"gradient {certificate.relative_gradient_norm:.1e} of its start"
    )
    if certificate.gap_bound is not None and math.isfinite(certificate.gap_bound):
        text += f", at most {certificate.gap_bound:.1e} above the optimum"
    return text


def facts(pairs: Iterator[tuple[str, str]]) -> RenderableType:
    """Lay out names and what they say in two columns."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(name, value)
    return grid


def classification_report(evaluation: Evaluation, title: str) -> RenderableType:
    """Draw precision, recall, f1-score and support in scikit-learn's layout."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    table.add_column("", justify="right")
    for heading in ("precision", "recall", "f1-score", "support"):
        table.add_column(heading, justify="right")
    for row in evaluation.classes:
        table.add_row(row.name, *_cells(row.precision, row.recall, row.f1_score), str(row.support))
    table.add_section()
    n_samples = str(evaluation.n_samples)
    table.add_row("accuracy", "", "", decimal(evaluation.accuracy), n_samples)
    for row in (evaluation.macro_avg, evaluation.weighted_avg):
        table.add_row(row.name, *_cells(row.precision, row.recall, row.f1_score), str(row.support))
    return table


def _cells(*values: float) -> Iterator[str]:
    return (decimal(value) for value in values)


def evaluation_view(judged: JudgedModel, mistakes: Sequence[Tile], render: Render) -> View:
    """Show an evaluation, and pictures of mistakes."""
    evaluation, card = judged.evaluation, judged.model.card

    def document() -> dict[str, Any]:
        return {
            "model": judged.model.ref,
            "task": card.task,
            "class_names": list(card.class_names),
            "on": judged.on,
            **evaluation_document(evaluation),
            "mistakes": [_mistake_document(mistake) for mistake in judged.mistakes],
        }

    def rows() -> Iterator[Sequence[object]]:
        yield "metric", "class", "value"
        yield "n_samples", None, evaluation.n_samples
        yield "n_correct", None, evaluation.n_correct
        for name in _SCALARS:
            yield name, None, getattr(evaluation, name)
        for row in (*evaluation.classes, evaluation.macro_avg, evaluation.weighted_avg):
            yield "precision", row.name, row.precision
            yield "recall", row.name, row.recall
            yield "f1-score", row.name, row.f1_score
            yield "support", row.name, row.support

    def table(console: Console) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        title = f"{judged.model.ref} on {judged.on}"
        parts: list[RenderableType] = [
            facts(_evaluation_facts(judged)),
            Text(),
            classification_report(evaluation, title),
            confusion_table(evaluation, card.class_names, console),
        ]
        if mistakes:
            from mnistcli.cli.render.digits import draw

            legend = Text(legend_of_mistakes(judged), "bold")
            parts += [legend, Text(), draw(mistakes, console, render)]
        return Group(*parts)

    return View("evaluate", document, rows, lambda: [repr(evaluation.accuracy)], table)


def _evaluation_facts(judged: JudgedModel) -> Iterator[tuple[str, str]]:
    evaluation = judged.evaluation
    yield (
        "Accuracy",
        f"{percent(evaluation.accuracy)}: {evaluation.n_correct:,} of {evaluation.n_samples:,} right",
    )
    yield (
        "To beat",
        f"{percent(evaluation.baseline_accuracy)}: always answering {evaluation.baseline_class}",
    )
    yield "Balanced accuracy", decimal(evaluation.balanced_accuracy)
    suffix = "" if len(evaluation.classes) == 2 else " (mean of each class against the rest)"
    yield "ROC AUC", decimal(evaluation.roc_auc, digits=6) + suffix
    yield "Average precision", decimal(evaluation.average_precision, digits=6) + suffix
    yield "Log loss", decimal(evaluation.log_loss, digits=6)


def confusion_table(
    evaluation: Evaluation, class_names: tuple[str, ...], console: Console
) -> RenderableType:
    """Draw the confusion matrix: the stronger a cell, the larger its share of the row.

    Zeros are dots. The numbers say everything; where there are fewer than 256 colours they do so
    alone.
    """
    from rich.text import Text

    # rich's tables leave gaps between cells, which a heat map should not have.
    corner = "truth \\ answer"
    is_heat_map = not console.no_color and console.color_system in ("256", "truecolor")
    first = max(len(corner), *map(len, class_names)) + 3
    width = max(len(str(evaluation.confusion.max())), *map(len, class_names)) + 2
    rule = "─" if console.encoding.lower().startswith("utf") else "-"
    heading = f"{corner} ".rjust(first) + "".join(f"{name} ".rjust(width) for name in class_names)
    page = Text(no_wrap=True, overflow="ignore")
    page.append("confusion matrix\n\n", "italic")
    page.append(f"{heading.rstrip()}\n", "bold")
    page.append(f" {rule * (len(heading) - 1)}\n")
    for i, (name, counts) in enumerate(
        zip(class_names, evaluation.confusion.tolist(), strict=True)
    ):
        page.append(f"{name} ".rjust(first))
        for j, count in enumerate(counts):
            share = count / max(sum(counts), 1)
            style = _heat(share, is_right=i == j) if is_heat_map else _plain(count, i == j)
            # rich cuts blanks at the end of a line, coloured or not; this one it keeps.
            end = "\xa0" if is_heat_map else " "
            page.append(f"{count or '.'}{end}".rjust(width), style)
        page.append("\n")
    return page


def _heat(share: float, *, is_right: bool) -> Style:
    """Shade a cell by its share of the row, from blue (right) or red (wrong) to the page."""
    from rich.color import Color
    from rich.style import Style

    if share == 0:
        return Style(dim=True)
    if is_right:
        full, strength = (20, 95, 160), share
    elif share < 0.004:
        return Style()  # a light shade would only glare on a dark terminal
    else:
        # Most mistakes are few in a hundred: the root makes them differ.
        full, strength = (200, 30, 20), min(1.0, (share / 0.1) ** 0.5)
    red, green, blue = (round(255 - (255 - level) * strength) for level in full)
    # The weights of luminance; black or white, whichever stands out more.
    is_light = 0.299 * red + 0.587 * green + 0.114 * blue > 140
    ink = Color.from_rgb(0, 0, 0) if is_light else Color.from_rgb(255, 255, 255)
    return Style.from_color(ink, Color.from_rgb(red, green, blue)) + Style(bold=is_right)


def _plain(count: int, is_right: bool) -> str:  # noqa: FBT001
    if is_right:
        return "bold green"
    return "red" if count else "dim"


def legend_of_mistakes(judged: JudgedModel) -> str:
    """Say how many mistakes there are, and how to read their captions."""
    evaluation = judged.evaluation
    n_wrong = evaluation.n_samples - evaluation.n_correct
    shown = len(judged.mistakes)
    if n_wrong == 0:
        return f"{judged.model.ref} makes no mistakes on {judged.on}"
    which = f"the worst {shown:,} of {n_wrong:,} mistakes"
    if shown == n_wrong:
        which = "the only mistake" if n_wrong == 1 else f"all {n_wrong:,} mistakes"
    return (
        f"{which} of {judged.model.ref} on {judged.on}, "
        "as #index: truth not answer (how sure it was)"
    )


def evaluation_document(evaluation: Evaluation) -> dict[str, Any]:
    """Give an evaluation as a JSON object."""
    names: tuple[str, ...] = ("n_samples", "n_correct", *_SCALARS)
    document = {name: getattr(evaluation, name) for name in names}
    document["baseline_class"] = evaluation.baseline_class
    document["classes"] = [asdict(row) for row in evaluation.classes]
    document["macro_avg"] = asdict(evaluation.macro_avg)
    document["weighted_avg"] = asdict(evaluation.weighted_avg)
    document["confusion"] = evaluation.confusion
    return document


def _mistake_document(mistake: Mistake) -> dict[str, Any]:
    fields: tuple[str, ...] = ("index", "truth", "answer", "p_truth", "p_answer")
    return {name: getattr(mistake, name) for name in fields}
