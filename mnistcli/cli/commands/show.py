"""``mnistcli show``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from mnistcli.cli import completion
from mnistcli.cli.drawing.file import FigureFile
from mnistcli.cli.options import command, dataset_option, model_option
from mnistcli.cli.output import Output
from mnistcli.cli.session import Session
from mnistcli.datasets.catalog import CATALOG
from mnistcli.errors import UsageError

# Of the first 40 of MNIST's training images, by folds; each was looked at.
_EXPECTED = {
    True: "a model of pixels suspects what it cannot tell: one label of 40 was wrong; use --preset better",
    False: "of 40 on MNIST, by --preset better, 13 labels were clearly wrong and 4 probably: look at them",
}
_DIFFERENCE_LEGEND = "{{plus}}: more ink in {1}; {{minus}}: in {0}"


@command("json", "tsv", "quiet", draws=True)
def show(
    session: Session,
    out: Output,
    figure: FigureFile | None,
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[INDEX|FILE]...", help="Indices of images, or files and folders of pictures."
        ),
    ] = None,
    digit: Annotated[
        str | None, typer.Option(metavar="DIGIT", help="Only images of this digit.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many images.")] = 10,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Pick random images; with --copies, that of train.",
            show_default="the first ones",
        ),
    ] = None,
    copies: Annotated[
        int | None,
        typer.Option(
            metavar="K", help="Beside each image its first K copies, as train --copies makes them."
        ),
    ] = None,
    mean: Annotated[
        bool, typer.Option("--mean", help="The mean image of the digit, or of every digit.")
    ] = False,
    task: Annotated[
        str | None,
        typer.Option(
            metavar="TASK",
            autocompletion=completion.tasks,
            help="With --mean: of every class of a task, and the difference of two.",
        ),
    ] = None,
    weights: Annotated[
        list[str] | None,
        model_option(help="What a model looks for, in red and blue; several side by side."),
    ] = None,
    filters: Annotated[
        str | None, model_option(help="The typical patches that a model has learned to look for.")
    ] = None,
    mistakes: Annotated[
        str | None, model_option(help="What a model gets wrong, the worst first.")
    ] = None,
    suspects: Annotated[
        str | None, model_option(help="Labels that a model believes least, of training images too.")
    ] = None,
    truth: Annotated[
        str | None, typer.Option(metavar="CLASS", help="Only mistakes on images of this class.")
    ] = None,
    answer: Annotated[
        str | None, typer.Option(metavar="CLASS", help="Only mistakes with this answer.")
    ] = None,
    on: Annotated[
        Literal["test", "train"] | None,
        typer.Option(help="Which part.", show_default="test; for suspects both, with -q train"),
    ] = None,
    dataset: Annotated[
        str | None,
        dataset_option(
            help=f"One of {', '.join(CATALOG)}, or of your own.",
            show_default="mnist, for mistakes and suspects the model's own",
        ),
    ] = None,
) -> None:
    """Show digits in the terminal: images, means, a model's weights and mistakes, your own files.

    Examples:

      mnistcli show 7

      mnistcli show --digit 3 --count 10

      mnistcli show 0 --on train --copies 7

      mnistcli show --weights 0v1

      mnistcli show --weights 3v8@1 --weights 3v8@2

      mnistcli show --mistakes digits --truth 4 --answer 9

      mnistcli show --mistakes digits --count 20 --output mistakes.png

      mnistcli show --suspects digits --count 40

      mnistcli show --mean --task 4v9
    """
    from mnistcli import gallery
    from mnistcli.cli.views.show import GalleryView

    legend, n_columns = "", None
    pictures: Sequence[gallery.CaptionedImage]
    of_models = [asked for asked in (weights, filters, mistakes, suspects) if asked]
    if bool(what) + (digit is not None or mean) + len(of_models) > 1:
        raise UsageError(
            "show one thing: images by index, files, digits, weights, filters, mistakes or suspects"
        )
    if (truth or answer) and mistakes is None:
        raise UsageError("--truth and --answer go with --mistakes", hint="--mistakes MODEL")
    if task is not None and (digit is not None or not mean):
        raise UsageError("--task goes with --mean, and not with --digit")
    files = [Path(word) for word in what or () if not word.isdecimal()]
    # Python reads no number of more than 4,300 digits.
    indices = [int(word.lstrip("0")[:20] or 0) for word in what or () if word.isdecimal()]
    if files and indices:
        raise UsageError("show either indices or files")
    if copies is not None and not indices:
        raise UsageError("--copies goes with indices", hint="mnistcli show 7 --copies 5")
    if weights:
        pictures = gallery.weight_images(*map(session.registry().load, weights))
        # Those of one output beside each other, and of two outputs where there are so many.
        n_columns = min(2 * len(weights), len(pictures)) if len(weights) > 1 else None
        legend = gallery.WEIGHTS_LEGEND
    elif filters is not None:
        pictures = gallery.filter_images(session.registry().load(filters))
        legend = gallery.FILTERS_LEGEND
    elif mistakes is not None:
        from mnistcli.cli.views.evaluate import gallery_of_mistakes
        from mnistcli.evaluation import evaluate

        model = session.registry().load(mistakes)
        images = session.dataset_of(model, out, dataset)
        judged = evaluate(model, images, on=on or "test")
        found = gallery_of_mistakes(judged, count, truth, answer)
        pictures, legend = found, found.legend
    elif suspects is not None:
        from mnistcli import evaluation

        model = session.registry().load(suspects)
        # What is printed for `train --without` are training images.
        wanted = on or ("train" if out.format == "quiet" else None)
        images = session.dataset_of(model, out, dataset)
        found = evaluation.suspects(model, images, n=count, on=wanted)
        pictures, legend = found, found.legend
        of_pixels = model.card.has_pixel_weights
        (out.warn if of_pixels else out.note)(_EXPECTED[of_pixels])
    elif files:
        from mnistcli.prediction import unfold

        pictures = [each for file in unfold(files) for each in gallery.pictures_in(file)]
    else:
        data = session.dataset(dataset or "mnist", out)
        of_part = data.train if on == "train" else data.test
        only = None if digit is None else gallery.parse_digit(digit)
        if indices:
            pictures = gallery.digits_at(
                of_part, indices, on or "test", n_copies=copies or 0, seed=seed or 0
            )
        elif task is not None:
            from mnistcli.tasks import parse_task

            parsed = parse_task(task)
            pictures = gallery.mean_classes(of_part, parsed)
            legend = _DIFFERENCE_LEGEND.format(*parsed.class_names) if parsed.is_binary else ""
        elif mean:
            pictures = gallery.mean_digits(of_part, range(10) if only is None else [only])
        else:
            pictures = gallery.some_digits(of_part, count, on or "test", digit=only, seed=seed)
    shown = gallery.Gallery(pictures, legend, n_columns)
    if figure:
        out.note(figure.draw(shown))
    if figure is None or out.format != "table":
        out.emit(GalleryView(shown))
