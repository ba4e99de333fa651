from pathlib import Path

from mnistcli.cli.call import Call
from mnistcli.cli.options import A_MODEL, OTHER_DATASET, command, model_argument, option
from mnistcli.paths import check_ending


@command()
def report(
    call: Call,
    models: list[str] | None = model_argument(
        A_MODEL, metavar="[MODEL [MODEL]]", show_default="the newest"
    ),
    output: Path = option("Page: .html or .md.", "-o", default=Path("report.html"), metavar="FILE"),
    dataset: str | None = OTHER_DATASET,
) -> None:
    from mnistcli.cli.report.page import ENDINGS, publish
    from mnistcli.comparison import common_dataset, report_on_any

    check_ending(output, ENDINGS, "write a report to")
    loaded = [call.registry().load(ref) for ref in models or (None,)]
    dataset = dataset or common_dataset(loaded)
    result = report_on_any(loaded, call.dataset_of(loaded[0], dataset))
    call.warn(*result.notes)
    call.emit(publish(result, output))
