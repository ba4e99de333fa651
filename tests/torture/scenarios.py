"""What is done to a home while faults strike, and what must be true of the home afterwards."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import filelock  # noqa: F401 - before the fork, so that no fault meets an import
import numpy as np
import safetensors.numpy  # noqa: F401

import mnistcli.linear_model.classifier
import mnistcli.registry.model_file  # noqa: F401
from mnistcli.datasets import sources
from mnistcli.datasets.catalog import CATALOG
from mnistcli.datasets.dataset import identity
from mnistcli.datasets.store import DatasetStore
from mnistcli.errors import MnistCliError
from mnistcli.registry.store import ModelRegistry
from tests.conftest import Recorder
from tests.registry.test_model_file import make_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = "0v1"
catalog = dict(CATALOG)


def pack_box(folder: Path, tiny) -> None:
    """Write a box with a small MNIST, for processes that are to take it for the real one."""
    tiny.write_to(folder)
    spec = replace(tiny.spec, name="mnist", title="MNIST", bundled=True)
    (folder / "spec").write_bytes(pickle.dumps(spec))


def use_box(folder: Path) -> None:
    """Take the small MNIST for the real one, with images that count as large."""
    import mnistcli.datasets.store

    catalog["mnist"] = pickle.loads((folder / "spec").read_bytes())  # noqa: S301 - our own
    DatasetStore.__init__.__kwdefaults__["catalog"] = catalog
    sources.BUNDLE = folder
    mnistcli.datasets.manifest.ALWAYS_HASHED_BYTES = 1000


def store_of(home: Path) -> DatasetStore:
    return DatasetStore(home / "datasets")


def registry_of(home: Path) -> ModelRegistry:
    return ModelRegistry(home / "models")


def models_in(home: Path) -> dict[str, object]:
    """Say what the registry holds, in the way a user sees it."""
    registry = registry_of(home)
    state: dict[str, object] = {}
    for summary in registry.summaries():
        model = registry.load(summary.entry.ref)
        own = [tag for tag in summary.tags if tag not in ("latest", "best")]
        state[summary.entry.ref] = [float(model.classifier.coef[0, 0]), own]
    return state


def own_in(home: Path) -> dict[str, object]:
    """Say what datasets of the user's own there are."""
    own = store_of(home)
    return {name: own.verify(name).sha256 for name in own.own_names()}


def state_of(scenario: Scenario, home: Path) -> dict[str, object]:
    """Say what is there of what a scenario concerns."""
    return own_in(home) if scenario.concerns == "own" else models_in(home)


def keep_one(home: Path) -> None:
    """Keep a picture that is not there yet: kept again it would be there once."""
    own = store_of(home)
    n = own.summary("mine").n_train if "mine" in own.own_names() else 0
    own.append("mine", np.full((1, 28, 28), 200 + n, np.uint8), np.array([7], np.uint8))


def keep_two(home: Path) -> None:
    for _ in range(2):
        keep_one(home)


def problems_of_own(home: Path, allowed: list[dict[str, object]]) -> list[str]:
    """Look at the datasets of the user's own, and add to one."""
    state, own = own_in(home), store_of(home)
    problems = [] if state in allowed else [f"neither old nor new: {state}"]
    n = own.summary("mine").n_train if state else 0
    keep_one(home)
    if own.summary("mine").n_train != n + 1:
        problems.append("cannot be added to")
    if len(list((home / "own" / "mine").iterdir())) != 5:
        problems.append("old arrays are left")
    return problems


def problems_of_the_dataset(home: Path) -> list[str]:
    """Use the dataset, which may heal itself but must be right."""
    expected = identity([part.payload_sha256 for part in catalog["mnist"].parts])
    told = Recorder()
    dataset = store_of(home).open(progress=told)
    problems = [f"said: {event}" for event in told.notes]
    if dataset.sha256 != expected:
        problems.append("another dataset")
    for part, array in zip(
        catalog["mnist"].parts,
        (dataset.train.images, dataset.train.labels, dataset.test.images, dataset.test.labels),
        strict=True,
    ):
        import hashlib

        if hashlib.sha256(array.tobytes()).hexdigest() != part.payload_sha256:
            problems.append(f"wrong bytes in {part.name}")
    try:
        store_of(home).verify()
    except MnistCliError as error:
        problems.append(error.message)
    return problems


@dataclass(frozen=True)
class Scenario:
    """One command.

    Attributes
    ----------
    prepare, act : callable
        Before, and the command itself as a call of the library.
    arguments : tuple of str
        The same as a command line.
    concerns : {"models", "datasets", "own"}
    """

    prepare: Callable[[Path], None]
    act: Callable[[Path], object]
    arguments: tuple[str, ...]
    concerns: str = "models"


def two_models(home: Path) -> None:
    registry = registry_of(home)
    for seed in (1, 2):
        registry.save(make_model(seed=seed), NAME)
    registry.tag(f"{NAME}@2", "paper")
    registry.tag(f"{NAME}@2", "talk")


def models_and_data(home: Path) -> None:
    two_models(home)
    first_use(home)


def nothing(home: Path) -> None:
    home.mkdir()


def first_use(home: Path) -> None:
    store_of(home).open()


SCENARIOS = {
    "first save": Scenario(
        nothing,
        lambda home: registry_of(home).save(make_model(seed=3), NAME),
        ("train", "--task", "0v1", "-q"),
    ),
    "save": Scenario(
        models_and_data,
        lambda home: registry_of(home).save(make_model(seed=3), NAME),
        ("train", "--task", "0v1", "-q"),
    ),
    "tag": Scenario(
        two_models,
        lambda home: registry_of(home).tag(f"{NAME}@1", "paper"),
        ("models", "tag", f"{NAME}@1", "paper", "-q"),
    ),
    "untag": Scenario(
        two_models,
        lambda home: registry_of(home).untag(f"{NAME}@paper"),
        ("models", "tag", f"{NAME}@paper", "--delete", "-q"),
    ),
    "rm": Scenario(
        two_models,
        lambda home: registry_of(home).remove(f"{NAME}@2", force=True),
        ("models", "rm", f"{NAME}@2", "--yes", "--force", "-q"),
    ),
    "first use": Scenario(
        nothing, first_use, ("train", "--task", "0v1", "--no-save", "-q"), "datasets"
    ),
    "install": Scenario(
        first_use,
        lambda home: store_of(home).install("mnist", "bundled"),
        ("download", "--source", "bundled", "-q"),
        "datasets",
    ),
    "keep": Scenario(keep_two, keep_one, (), "own"),
    "own rm": Scenario(
        keep_two,
        lambda home: store_of(home).remove("mine"),
        ("download", "--remove", "mine", "--yes", "-q"),
        "own",
    ),
}


def problems_after(scenario: Scenario, home: Path, allowed: list[dict[str, object]]) -> list[str]:
    """Look at a home as the next command would, and then work on in it."""
    from tests.torture.faults import litter

    try:
        if scenario.concerns == "datasets":
            problems = problems_of_the_dataset(home)
            return problems + [f"left {path}" for path in litter(home)]
        if scenario.concerns == "own":
            return problems_of_own(home, allowed) + [f"left {path}" for path in litter(home)]
        state = models_in(home)
        problems = [] if state in allowed else [f"neither old nor new: {state}"]
        problems += [f"left {path}" for path in litter(home)]
        saved = registry_of(home).save(make_model(seed=9), NAME)
        if saved.ref in allowed[0] | state:
            problems.append(f"gave {saved.ref} a second time")
        registry_of(home).tag(saved.ref, "paper")
        if registry_of(home).find(f"{NAME}@paper") != saved:
            problems.append("cannot tag")
        return problems + [f"left {path}" for path in litter(home)]
    except Exception as error:
        return [repr(error)]


def old_and_new(scenario: Scenario, home: Path, scratch: Path) -> list[dict[str, object]]:
    """Give the two states between which nothing may be seen."""
    from tests.torture.faults import clear, in_child

    if scenario.concerns == "datasets":
        return []
    states = []
    for act in (lambda _: None, scenario.act):
        clear(home)
        in_child(lambda: (scenario.prepare(home), act(home)), scratch=scratch)  # noqa: B023
        states.append(state_of(scenario, home))
    return states
