from pathlib import Path

from mnistcli.cli.call import Call
from mnistcli.cli.options import A_MODEL, DATA, OTHER_DATASET, RAW, command, model_argument, option
from mnistcli.metrics.catalog import metric_names


@command("render json tsv quiet figure", apart=["data dataset"], together=["data raw"])
def compare(
    call: Call,
    models: list[str] | None = model_argument(f"Same classes: {A_MODEL}", metavar="MODEL MODEL..."),
    by: str = option(f"Sort by {', '.join(metric_names())}.", default="accuracy", metavar="METRIC"),
    disagreements: int = option("Draw N digits they disagree on.", default=0, metavar="N", min=0),
    data: Path | None = DATA,
    dataset: str | None = OTHER_DATASET,
    raw: bool = RAW,
) -> None:
    from mnistcli import comparison
    from mnistcli.cli.views.compare import comparison_answer

    loaded = [call.registry().load(ref) for ref in models or ()]
    comparison.check_comparable(loaded)
    if data is None:
        dataset = dataset or comparison.common_dataset(loaded)
    images = call.images(loaded[0], dataset, data, raw=raw)
    found = comparison.compare(loaded, images, by=by, n_disagreements=disagreements, name=str(data))
    call.warn(*found.notes)
    call.emit(comparison_answer(found, disagreements, is_for_paper=call.is_for_paper))
