import sys
from pathlib import Path

from mnistcli.cli.call import Call
from mnistcli.cli.options import MODEL, RAW, argument, command, option, own_dataset_named
from mnistcli.cli.progress import Bars
from mnistcli.errors import SomeInputsFailedError, UsageError


@command(
    "render json jsonl tsv quiet figure",
    apart=["keep index number", "number index explain raw", "raw index"],
    together=["explain against", "keep truth", "truth keep"],
)
def predict(
    call: Call,
    inputs: list[str] | None = argument(
        "Pictures (PNG, JPEG, ...), folders and archives of them, NPY, npz, CSV, ARFF or IDX files of many; "
        "- for standard input.",
        metavar="[INPUT]...",
    ),
    model: str | None = MODEL,
    index: list[int] | None = option("A test image; repeatable.", "-i", metavar="INDEX"),
    proba: bool = option("Print the probability of every class."),
    number: bool = option("Read every digit of a picture, line by line."),
    show: bool = option("Draw each picture beside what the model saw, or its digits in boxes."),
    explain: bool = option("Draw what each pixel contributed to the answer."),
    against: str | None = option(
        "With --explain: why not this class.", metavar="CLASS", show_default="the next best answer"
    ),
    abstain_below: float = option(
        "Answer ? below probability P.", default=0, metavar="P", min=0, max=1, show_default="never"
    ),
    abstain_unlike: bool = option("Answer ? where a digit is unlike all training images."),
    files0: str | None = option(
        "Read the names of inputs from a NUL-separated list; - for standard input.", metavar="FILE"
    ),
    truth: str | None = option("What the pictures show, for --keep.", metavar="DIGIT"),
    keep: str | None = own_dataset_named(
        "Add the pictures, labelled --truth, to the training images of a dataset of yours."
    ),
    raw: bool = RAW,
) -> None:
    if sum((bool(inputs), bool(index), files0 is not None)) != 1:
        raise UsageError("give either pictures, --files0 or --index", hint="for example --index 7")

    from mnistcli.cli.inputs import Passing, begin, folder_notes, named_inputs
    from mnistcli.cli.views.predict import PredictionView
    from mnistcli.gallery import parse_digit
    from mnistcli.prediction import Reader, check_explains
    from mnistcli.registry.store import BUILTIN

    loaded = call.model(model)
    if explain:  # in every format, and before anything is read
        check_explains(loaded)
    if against is not None:
        loaded.card.task.class_index(against)
    label = 0 if truth is None else parse_digit(truth)
    words, n_pictures = inputs or [], None
    alone = str(Path(words[0])) if len(words) == 1 else ""
    view = PredictionView(loaded, number, proba, show, explain, against, alone)
    how = abstain_below, abstain_unlike, raw, show or call.figure is not None
    reader = Reader(loaded, *how, unlabelled=keep is not None)
    if index:
        answers = reader.indices(call.dataset_of(loaded), index)
    else:
        named, n_pictures = named_inputs(words, files0)
        call.note(*folder_notes(words))
        if "-" in (files0, *words) and sys.stdin.isatty():
            call.note("reading standard input from the terminal; Ctrl-D ends it")
        answers = reader.files(named, numbers=number)
    if abstain_unlike and not loaded.typicality:
        call.note(f"{loaded.ref} keeps nothing to tell what is unlike: train it again")
    # Drawings and lines that come one by one are their own progress.
    is_drawn = (show or explain) and call.figure is None
    on_screen = sys.stdout.isatty() and (is_drawn or call.format in ("jsonl", "tsv", "csv"))
    with Bars(call, unit="items", hidden=on_screen) as bars:
        passing = Passing(call, bars, n_pictures, view, keep is not None)
        call.emit(view.answer(passing.watch(begin(answers)), draw=is_drawn))
    if keep and passing.seen:
        call.note(call.store().keep(keep, passing.seen, label))
    if call.figure:
        call.note(call.figure.draw(view.sheet_of(passing.drawn)))
    is_foreign = number or (passing.n_changed > 0 and not (raw or index))
    of_pixels = loaded.card.feature_spec.kind == "pixels"
    reads_digits = max(map(len, loaded.card.class_names)) == 1
    is_told = call.format == "table" and sys.stdout.isatty()
    if is_foreign and of_pixels and reads_digits and is_told:
        call.note("builtin reads such pictures better than a model of pixels: --model builtin")
    if is_told and model is None and loaded.ref != BUILTIN:
        call.note(f"answered by {loaded.ref}, the newest model")
    call.note(*passing.remarks(reader))
    if passing.n_failed:
        raise SomeInputsFailedError(passing.n_failed, passing.n_inputs)
