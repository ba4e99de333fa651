from itertools import islice
from pathlib import Path
from typing import Literal

from mnistcli.cli.call import Call
from mnistcli.cli.options import argument, command, dataset_named, model_named, option, task_named
from mnistcli.datasets.catalog import CATALOG
from mnistcli.errors import UsageError


@command(
    "render json tsv quiet figure",
    apart=[
        "digit task",
        "count mean weights filters",
        "seed mean weights filters mistakes suspects",
        "weights on dataset",
        "filters on dataset",
    ],
    together=["mistakes truth answer", "mean task"],
)
def show(
    call: Call,
    what: list[str] | None = argument(
        "Indices of images, or files and folders of pictures.", metavar="[INDEX|FILE]..."
    ),
    digit: str | None = option("Only images of this digit.", metavar="DIGIT"),
    count: int | None = option("How many images.", min=1, show_default="10, or all that are named"),
    seed: int | None = option(
        "Pick random images; with --copies, that of train.", min=0, show_default="the first ones"
    ),
    copies: int | None = option("And its first K copies, see train --copies.", metavar="K"),
    mean: bool = option("The mean image of the digit, or of every digit."),
    task: str | None = task_named("With --mean: each class of a task, and the difference of two."),
    weights: list[str] | None = model_named("What a model looks for; several side by side."),
    filters: str | None = model_named("The typical patches that a model has learned to look for."),
    mistakes: str | None = model_named("What a model gets wrong, the worst first."),
    suspects: str | None = model_named("Labels a model believes least, of training images too."),
    truth: str | None = option("Only mistakes on images of this class.", metavar="CLASS"),
    answer: str | None = option("Only this answer; if right, least sure first.", metavar="CLASS"),
    on: Literal["test", "train"] | None = option(
        "Which part.", show_default="test; for suspects both, with -q train"
    ),
    dataset: str | None = dataset_named(
        f"One of {', '.join(CATALOG)}, or of your own.",
        show_default="mnist, for mistakes and suspects the model's own",
    ),
) -> None:
    from mnistcli import gallery
    from mnistcli.cli.views.show import pictures_answer
    from mnistcli.tasks import parse_task

    files = [Path(word) for word in what or () if not word.isdecimal()]
    # Python reads no number of more than 4,300 digits.
    indices = [int(word.lstrip("0")[:20] or 0) for word in what or () if word.isdecimal()]
    things = (what, digit is not None or mean, weights, filters, mistakes, suspects)
    if sum(map(bool, things)) > 1:
        raise UsageError(
            "show one thing: images by index, files, digits, weights, filters, mistakes or suspects"
        )
    if files and indices:
        raise UsageError("show either indices or files")
    if files and {seed, on, dataset} != {None}:
        raise UsageError("--seed, --on and --dataset are of images of a dataset, not of files")
    if indices and seed is not None and copies is None:
        raise UsageError("--seed goes with --copies, where images are named")
    if copies is not None and not indices:
        raise UsageError("--copies goes with indices", hint="mnistcli show 7 --copies 5")

    load, n, part = call.registry().load, count or 10, on or "test"
    if weights:
        pictures = gallery.weight_images(*map(load, weights))
    elif filters:
        pictures = gallery.filter_images(load(filters))
    elif mistakes:
        from mnistcli.evaluation import evaluate

        model = load(mistakes)
        judged = evaluate(model, call.dataset_of(model, dataset), on=part)
        pictures = judged.mistakes(n, truth, answer)
    elif suspects:
        from mnistcli import evaluation

        model = load(suspects)
        if on is None and call.format == "quiet":  # what is printed for `train --without`
            on = "train"
        pictures = evaluation.suspects(model, call.dataset_of(model, dataset), n=n, on=on)
        # Of the first 40 of MNIST's training images, by folds; each was looked at.
        if model.card.feature_spec.has_pixel_weights:
            told = "a model of pixels suspects what it cannot tell: one label of 40 was wrong"
            call.warn(f"{told}; use --preset better")
        else:
            told = "of 40 on MNIST, by --preset better, 13 labels were clearly wrong and 4 probably"
            call.note(f"{told}: look at them")
    elif files:
        from mnistcli.prediction import unfold

        found = (each for file in unfold(files) for each in gallery.pictures_in(file))
        pictures = gallery.Gallery(islice(found, count))
    else:
        data = call.dataset(dataset or "mnist")
        images = data.train if part == "train" else data.test
        digits = range(10) if digit is None else [gallery.parse_digit(digit)]
        if indices:
            beside = {"n_copies": copies or 0, "seed": seed or 0}
            pictures = gallery.digits_at(images, indices[:count], part, **beside)
        elif task:
            pictures = gallery.mean_classes(images, parse_task(task), part)
        elif mean:
            pictures = gallery.mean_digits(images, digits, part)
        else:
            pictures = gallery.some_digits(images, n, digits, part, seed)

    if call.figure:
        call.note(call.figure.draw(pictures))
    if call.figure is None or call.format != "table":
        call.emit(pictures_answer(pictures))
