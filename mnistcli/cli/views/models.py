"""Models in the registry: lists, cards, exports and whether one comes out again."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistcli.cli.content.numbers import minute, n_bytes, percent, seconds
from mnistcli.cli.content.parts import Facts, Table
from mnistcli.cli.content.sentences import describe_settings
from mnistcli.cli.output import Answer, pick
from mnistcli.registry.card import ModelCard
from mnistcli.registry.store import ModelSummary

if TYPE_CHECKING:
    from mnistcli.registry.exports import Export
    from mnistcli.training import Reproduction


def models_answer(summaries: Sequence[ModelSummary]) -> Answer:
    """Show a list of models."""
    rows: list[Sequence[object]] = [
        ("model", "tags", "task", "penalty", "C", "solver", "test_accuracy", "created", "n_bytes",
         "problem")
    ]  # fmt: skip
    shown = []
    for each in summaries:
        ref, card = each.entry.ref, each.card
        known: Sequence[object] = (None,) * 6
        accuracy, what, created = "-", each.problem, "-"
        if card:
            settings, share = card.settings, card.metrics.get("test_accuracy")
            how = settings.penalty, settings.C, settings.solver
            known = (card.task.name, *how, share, card.created)
            said = (card.dataset, card.feature_spec.kind, settings.penalty)
            asked = (word for word in said if word not in ("mnist", "pixels", "l2"))
            what = ", ".join((card.task.name, *asked, f"C = {settings.C:g}"))
            created = minute(card.created)
            accuracy = "-" if share is None else percent(share)
        rows.append((ref, ",".join(each.tags), *known, each.n_bytes, each.problem))
        shown.append((ref, accuracy, what, created, _tags(each)))
    document = {"models": [_document(each) for each in summaries]}
    table = Table(("model", "accuracy", "what", "created", "tags"), "brlll", shown)
    return Answer("models", document, [each.entry.ref for each in summaries], [table], rows)


def _tags(summary: ModelSummary) -> str:
    return "part of mnistcli" if summary.entry.is_builtin else ", ".join(summary.tags)


def _document(summary: ModelSummary) -> dict[str, Any]:
    return {
        "model": summary.entry.ref,
        "path": summary.entry.path,
        **pick(summary, "n_bytes tags"),
        "card": summary.card.document() if summary.card else None,
        "problem": summary.problem or None,
    }


def model_answer(summary: ModelSummary) -> Answer:
    """Show one model's card."""
    facts = [
        ("Name", summary.entry.ref),
        ("Tags", _tags(summary) or "none"),
        ("File", f"{summary.entry.path}, {n_bytes(summary.n_bytes)}"),
    ]
    facts += card_facts(summary.card) if summary.card else [("Problem", summary.problem)]
    document = _document(summary)
    rows = [("field", "value"), *_flat(document)]
    return Answer("model", document, [summary.entry.ref], [Facts(facts)], rows)


def path_answer(path: Path) -> Answer:
    """Show where a model's file is, or all of them."""
    return Answer("path", {"path": path}, [str(path)])


def card_facts(card: ModelCard) -> Iterator[tuple[str, str]]:
    """Yield all that a card holds, in pairs of a name and what it says."""
    yield "Task", f"{card.task.name}: {', '.join(card.class_names)}"
    yield "Model", describe_settings(card)
    yield "Data", f"{card.dataset}, {card.split.kind} split, seed {card.split.seed}"
    yield "", f"{card.n_train:,} training and {card.n_test:,} test images"
    if without := card.split.without:
        sha256 = hashlib.sha256("".join(f"{i}\n" for i in without).encode()).hexdigest()
        yield "", f"without {len(without):,} images by their indices, sha256 {sha256}"
    yield "", f"sha256 {card.dataset_sha256}"
    for name, sha256 in (card.dataset_parts or {}).items():
        yield "", f"sha256 {sha256} of {name}"
    converged = "converged" if card.certificate.get("converged") else "did NOT converge"
    yield "Solver", f"{card.settings.solver}: {converged} in {seconds(card.fit_seconds)}"
    for name, value in card.certificate.items():
        if name != "converged" and value is not None:
            yield "", f"{name} {value}"
    for i, (name, value) in enumerate(card.metrics.items()):
        yield "" if i else "Metrics", f"{name} {value}"
    if card.n_prototypes:
        yield "Typical", f"by {card.n_prototypes} prototypes of training images"
    if card.has_out_of_fold:
        yield "Folds", "what they said of each training image is kept: show --suspects"
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


def export_answer(export: "Export") -> Answer:
    """Say what an export is good for and what it costs to trust such a file."""
    facts = [
        ("Wrote", f"{export.path}, {n_bytes(export.n_bytes)}: {export.model} as {export.format}"),
        ("Good for", export.good_for),
        ("Trust", export.trust),
        ("Use", export.use),
        ("sha256", export.sha256),
    ]
    return Answer("export", pick(export), [str(export.path)], [Facts(facts)])


def reproduction_answer(result: "Reproduction") -> Answer:
    """Show whether a model comes out again, and how exactly."""
    then, now = result.model.card, result.again.card
    answers = "is_reproduced is_identical largest_difference"
    accuracy = [card.metrics.get("test_accuracy") for card in (then, now)]
    document = {
        "model": result.model.ref,
        **pick(result, f"{answers} distance distance_bound n_test n_different"),
        "test_accuracy": dict(zip(("then", "now"), accuracy, strict=True)),
        "fit_seconds": {"then": then.fit_seconds, "now": now.fit_seconds},
        "version_changes": _version_changes(result),
    }
    rows = zip(*[*document.items()][:8], strict=True)
    quiet = "reproduced" if result.is_reproduced else "not reproduced"
    return Answer("reproduction", document, [quiet], [Facts(_reproduction_facts(result))], rows)


def _reproduction_facts(result: "Reproduction") -> Iterator[tuple[str, str]]:
    yield "Model", f"{result.model.ref}, trained {minute(result.model.card.created)}"
    yield "Again", f"in {seconds(result.again.card.fit_seconds)}; not saved"
    if result.is_identical:
        yield "Weights", "the same, bit for bit"
    else:
        yield "Weights", f"differ by {result.largest_difference:.1e} of the largest one at most"
        text = f"they are {result.distance:.1e} apart"
        if result.distance_bound is not None:
            within = "within" if result.distance <= result.distance_bound else "NOT within"
            text += f", {within} the {result.distance_bound:.1e} that the two proofs allow"
        yield "", text
    if result.is_reproduced:
        yield "Answers", f"the same on all {result.n_test:,} test images"
    else:
        of = f"{result.n_different:,} of {result.n_test:,} test images"
        yield "Answers", f"differ on {of}, {percent(result.n_different / result.n_test)}"
    changes = ("{name} {then} then, {now} now".format_map(it) for it in _version_changes(result))
    yield "Versions", "; ".join(changes) or "the same"


def _version_changes(result: "Reproduction") -> list[dict[str, str]]:
    # Of what took part in both; scikit-learn does in cross-validations alone.
    now = result.again.card.versions
    then = result.model.card.versions.items()
    return [{"name": k, "then": v, "now": now[k]} for k, v in then if now.get(k, v) != v]
