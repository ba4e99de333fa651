"""A model beside the one that was trained again from its card."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mnistcli.cli.numbers import percent, seconds
from mnistcli.cli.output import View
from mnistcli.cli.views.evaluate import facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType

    from mnistcli.reproduction import Reproduction, VersionChange


@dataclass(frozen=True)
class ReproductionView(View):
    """Whether a model comes out again, and how exactly."""

    schema = "reproduction"
    result: Reproduction

    def document(self) -> dict[str, Any]:
        result, then, now = self.result, self.result.model.card, self.result.again.card
        return {
            "model": result.model.ref,
            "is_reproduced": result.is_reproduced,
            "is_identical": result.is_identical,
            "largest_difference": result.largest_difference,
            "distance": result.distance,
            "distance_bound": result.distance_bound,
            "n_test": result.n_test,
            "n_different": result.n_different,
            "test_accuracy": {
                "then": then.metrics.get("test_accuracy"),
                "now": now.metrics.get("test_accuracy"),
            },
            "fit_seconds": {"then": then.fit_seconds, "now": now.fit_seconds},
            "version_changes": [asdict(change) for change in result.version_changes],
        }

    def rows(self) -> Iterator[Sequence[object]]:
        names = ("model", "is_reproduced", "is_identical", "largest_difference", "distance",
                 "distance_bound", "n_test", "n_different")  # fmt: skip
        content = self.document()
        yield names
        yield [str(v).lower() if isinstance(v := content[name], bool) else v for name in names]

    def lines(self) -> Iterator[str]:
        yield "reproduced" if self.result.is_reproduced else "not reproduced"

    def table(self, console: Console) -> RenderableType:
        return facts(_facts(self.result))


def _facts(result: Reproduction) -> Iterator[tuple[str, str]]:
    card = result.model.card
    trained = f"{result.model.ref}, trained {card.created[:16].replace('T', ' ')}"
    yield "Model", trained
    yield "Again", f"in {seconds(result.again.card.fit_seconds)}; not saved"
    if result.is_identical:
        yield "Weights", "the same, bit for bit"
    else:
        yield (
            "Weights",
            f"differ by {result.largest_difference:.1e} of the largest one at most",
        )
        yield "", _distance(result)
    if result.is_reproduced:
        yield "Answers", f"the same on all {result.n_test:,} test images"
    else:
        share = percent(result.n_different / result.n_test)
        yield (
            "Answers",
            f"differ on {result.n_different:,} of {result.n_test:,} test images, {share}",
        )
    changes = "; ".join(map(_change, result.version_changes))
    yield "Versions", changes or "the same"


def _distance(result: Reproduction) -> str:
    text = f"they are {result.distance:.1e} apart"
    if result.distance_bound is None:
        return text
    within = "within" if result.distance <= result.distance_bound else "NOT within"
    return f"{text}, {within} the {result.distance_bound:.1e} that the two proofs allow"


def _change(change: VersionChange) -> str:
    return f"{change.name} {change.then or 'not used'} then, {change.now or 'not used'} now"
