"""What a long training tells while it is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnistcli.linear_model.newton import NewtonProgress


class Watcher:
    """What a training tells while it is under way: nothing, unless a subclass listens."""

    def follow_gradient(self, progress: NewtonProgress) -> None:
        """Hear of a step of a fit."""

    def follow_features(self, done: int, total: int) -> None:
        """Hear of images that were turned into features."""

    def follow_folds(self, done: int, total: int) -> None:
        """Hear of a fold of cross-validation."""

    def follow_search(self, done: int, total: int) -> None:
        """Hear of a fold of the search for C."""

    def follow_pairs(self, done: int, total: int) -> None:
        """Hear of the model of a pair of classes."""
