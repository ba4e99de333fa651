"""Trainings as tables and documents."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from mnistcli.cli.content.numbers import percent, percent_span, seconds
from mnistcli.cli.content.parts import Cell, Facts, HeatMap, Noted, Part, Plots, Table, Words
from mnistcli.cli.content.plots import Plot, Series, axis_for, places_axis
from mnistcli.cli.content.sentences import describe_settings
from mnistcli.cli.output import Answer, pick
from mnistcli.cli.views.evaluate import class_report, evaluation_document
from mnistcli.cli.words import visible
from mnistcli.display import counted
from mnistcli.registry.store import ModelEntry
from mnistcli.training import Training

if TYPE_CHECKING:
    from mnistcli.model_selection.cross_validation import ChoiceOfC, CrossValidation


def training_answer(training: Training, entry: ModelEntry | None) -> Answer:
    """Show a training; ``entry`` is None where the model was not saved."""
    card, fit = training.model.card, training.fit
    settings, certificate, evaluation = card.settings, fit.certificate, training.evaluation
    names = "task class_names dataset dataset_sha256 dataset_parts weights features n_train n_test"
    known, folds = card.document(), None
    if training.cross_validation:
        folds = pick(training.cross_validation)
        del folds["p_truth"]  # is kept by the model
    train_accuracy = card.metrics["train_accuracy"]
    document = {
        "model": entry.ref if entry else None,
        "path": entry.path if entry else None,
        **{name: known[name] for name in [*names.split(), "split", "settings"]},
        "preset": card.preset,
        "fit": {"fit_seconds": fit.fit_seconds, **pick(certificate)},
        "search": training.choice,
        "cross_validation": folds,
        "train_accuracy": train_accuracy,
        "peak_memory_bytes": card.peak_memory_bytes,
        "rows_kept": training.rows_kept,
        "test": evaluation_document(evaluation),
    }
    low, high = evaluation.accuracy_interval
    row = {
        "model": entry.ref if entry else None,
        "task": card.task.name,
        **pick(settings, "penalty C solver"),
        **pick(certificate, "converged objective"),
        "fit_seconds": round(fit.fit_seconds, 4),
        "train_accuracy": train_accuracy,
        "cv_accuracy": training.cross_validation.mean if training.cross_validation else None,
        "test_accuracy": evaluation.accuracy,
        "test_accuracy_low": low,
        "test_accuracy_high": high,
        "test_log_loss": evaluation.log_loss,
        **pick(card, "dataset n_train"),
        "seed": card.split.seed,
        "split": card.split.kind,
        "preset": card.preset,
        "features": card.feature_spec.kind,
        "class_weight": settings.class_weight,
        "gap_bound": certificate.gap_bound,
        "peak_memory_bytes": card.peak_memory_bytes,
        "n_copies": card.feature_spec.n_copies,
        "weights": "+".join(f"{name}={each:g}" for name, each in (card.weights or {}).items()),
        **pick(settings, "l1_ratio tol max_iter"),
        "limit": card.split.limit,
        "n_without": len(card.split.without),
    }
    quiet = [entry.ref] if entry else []
    rows = [list(row), list(row.values())]
    return Answer("train", document, quiet, training_parts(training, entry), rows)


def training_parts(training: Training, entry: ModelEntry | None = None) -> Iterator[Part]:
    """Yield what there is to see of a training."""
    yield Facts(training_facts(training))
    if training.choice:
        yield from _choice_parts(training.choice)
    if training.cross_validation:
        confusion, names = training.cross_validation.confusion, training.model.card.class_names
        title = "confusion matrix of the folds, each judged by a model that had not seen it"
        yield HeatMap.of_confusion(confusion, names, title)
    yield class_report(training.evaluation, "on the test images")
    if entry:
        path = visible(str(entry.path))
        yield Words(f"Saved {entry.ref} in {path}\nNext  mnistcli evaluate {entry.ref}", "")
    else:
        yield Words("Not saved.", "")


def training_facts(training: Training) -> Iterator[tuple[str, Cell]]:
    """Yield how a training went, in pairs of a name and what it says."""
    card, task = training.model.card, training.model.card.task
    if task.is_binary:
        negative, positive = task.class_names
        yield "Task", f"{task.name}: {negative} or {positive}; {positive} is the positive class"
    elif task.is_pairwise:
        yield "Task", f"{task.name}: {task.n_outputs} models, one for each pair of digits, vote"
    else:
        yield "Task", f"{task.name}: one of {', '.join(task.class_names)}"
    n_images = f"{card.n_train:,} training and {card.n_test:,} test images"
    without = f", without {len(card.split.without):,}" if card.split.without else ""
    yield "Data", f"{card.dataset}, {card.split.kind} split: {n_images}{without}"
    yield "Model", describe_settings(card)
    if choice := training.choice:
        chosen = f"C = {choice.C:g} chosen by {choice.n_folds}-fold cross-validation"
        yield "", f"{chosen}; one standard error allows {choice.C_1se:g}"
    yield "Solver", describe_convergence(training)
    certificate = training.fit.certificate
    gradient = f"gradient {certificate.relative_gradient_norm:.1e} of its start"
    optimum = f"objective {certificate.objective:.6g}, {gradient}"
    if certificate.gap_bound is not None and math.isfinite(certificate.gap_bound):
        optimum += f", at most {certificate.gap_bound:.1e} above the optimum"
    yield "Optimum", optimum
    if training.cross_validation:
        yield from fold_facts(training.cross_validation)
    evaluation = training.evaluation
    yield "Training", f"{percent(card.metrics['train_accuracy'])} right"
    right = f"{percent(evaluation.accuracy)} right: {evaluation.score}"
    yield "Test", Noted(right, percent_span(evaluation.accuracy_interval))
    baseline = percent(evaluation.baseline_accuracy)
    yield "To beat", f"{baseline}: always answering {evaluation.baseline_class}"


def fold_facts(folds: CrossValidation) -> Iterator[tuple[str, str]]:
    """Yield how good the models of the folds are, in pairs of a name and what it says."""
    if len(folds.accuracies) <= 10:  # which fit a line
        yield "Folds", "  ".join(f"{accuracy:.4f}" for accuracy in folds.accuracies)
    else:
        low, high = min(folds.accuracies), max(folds.accuracies)
        times = f"{folds.n_repeats} times {folds.n_folds}"
        yield "Folds", f"{times}: from {low:.4f} to {high:.4f}"
    summary = f"mean {folds.mean:.4f}, standard deviation {folds.standard_deviation:.4f}"
    if folds.n_not_converged:
        summary += f"; {folds.n_not_converged} of the fits did NOT converge"
    yield "", summary


def describe_convergence(training: Training) -> str:
    """Describe whether and how the solver finished."""
    certificate, solver = training.fit.certificate, training.model.card.settings.solver
    n_iterations = counted(certificate.n_iterations, "iteration")
    took = f"{n_iterations} in {seconds(training.fit.fit_seconds)}"
    if certificate.converged:
        return f"{solver}: converged, {took}"
    return f"{solver}: did NOT converge in {took}; raise --max-iter"


def convergence_warnings(training: Training) -> Iterator[str]:
    """Name what stopped before it had reached its tolerance: the model, folds, the search for C."""
    if not training.fit.certificate.converged:
        yield describe_convergence(training)
    if (folds := training.cross_validation) and (n := folds.n_not_converged):
        yield f"{n} of {len(folds.accuracies)} fits of the folds did NOT converge; raise --max-iter"
    if choice := training.choice:
        n_fits = choice.n_folds * len(choice.candidates)
        if n := sum(each.n_not_converged for each in choice.candidates):
            yield f"{n} of {n_fits} fits of the search for C did NOT converge"


def _choice_parts(choice: ChoiceOfC) -> Iterator[Part]:
    said = {choice.C_1se: "one standard error", choice.C: "best"}
    yield Table(
        ("C", "log loss", "accuracy", ""),
        "rrrl",
        [
            (f"{each.C:g}", f"{each.log_loss:.5f}", percent(each.accuracy), said.get(each.C, ""))
            for each in choice.candidates
        ],
    )
    points = np.array([
        # A mean less its standard error need not be positive; its tenth is low enough.
        (c.C, c.log_loss,
         max(c.log_loss - c.standard_error, c.log_loss / 10), c.log_loss + c.standard_error)
        for c in choice.candidates
    ])  # fmt: skip
    plot = Plot(
        f"the search for C, {choice.n_folds} folds of the training images",
        places_axis(points[:, 0].tolist(), title="C"),
        axis_for(points[:, 1:].flat, title="log loss, plus and minus one standard error"),
        (Series.measured("log loss", points, "joined"),),
    )
    yield Plots([plot])
