"""A command line that makes no sense is one line and a hint, exit code 2; help has topics."""

from __future__ import annotations

import io
import json
import math
import re
from types import SimpleNamespace

import pytest
import typer

from mnistcli.cli import topics
from mnistcli.cli.parsing import SectionedCommand
from mnistcli.cli.tabular import lines_of
from mnistcli.cli.terminal.console import PlainConsole
from mnistcli.features import FEATURE_KINDS
from tests.conftest import unexpected_skips

MISTAKES = [
    (["trian"], "there is no command 'trian'", "did you mean mnistcli train?"),
    (["nonsense"], "there is no command 'nonsense'", "see mnistcli --help"),
    (["0vs1"], "there is no command '0vs1'", "see mnistcli --help"),
    (["rm", "0v1"], "there is no command 'rm'", "did you mean mnistcli models rm?"),
    (["ls"], "there is no command 'ls'", "did you mean mnistcli models list?"),
    (["models", "delete", "x"], "there is no command 'delete'", "did you mean mnistcli models rm?"),
    (["models", "show"], "there is no command 'show'", "did you mean mnistcli models info?"),
    (["models", "exprt"], "there is no command 'exprt'", "did you mean mnistcli models export?"),
    (["train"], "no task was given", "type mnistcli train 0v1"),
    (["train", "0v1", "-t", "2v3"], "two tasks were given: 0v1 and 2v3", "see mnistcli train --help"),
    (["train", "-task", "0v1"], "there is no option -task", "did you mean --task?"),
    (["train", "-json", "0v1"], "there is no option -json", "did you mean --json?"),
    (["train", "-C", "1", "0v1"], "there is no option -C", "did you mean --C?"),
    (["train", "--taks", "0v1"], "there is no option --taks", "did you mean --task?"),
    (["train", "--c", "1", "0v1"], "there is no option --c", "did you mean --C?"),
    (["download", "--remove", "a", "--remove=b"], "--remove stands twice", "it takes one value: leave one away"),
    (["train", "-t", "0v1", "--task", "1v2"], "--task stands twice", "it takes one value: leave one away"),
    (["--home", "x", "--home", "y", "doctor"], "--home stands twice", "it takes one value: leave one away"),
    (["--hlp"], "there is no option --hlp", "did you mean --help?"),
    (
        ["train", "0v1", "--home", "x"],
        "there is no option --home",
        "it stands before the command: mnistcli --home",
    ),
    (["show", "7", "-n", "3"], "there is no option -n", "see mnistcli show --help"),
    (
        ["train", "0v1", "--penalty", "l22"],
        "invalid value for '--penalty': 'l22' is not one of 'l2', 'l1', 'elasticnet', 'none'",
        "did you mean l2?",
    ),
    (["train", "0v1", "--cv"], "option '--cv' requires an argument", "write --cv and its value"),
    (["train", "0", "1"], "too many arguments: (1)", "did you mean 0v1?"),
    (["train", "3", "vs", "8"], "too many arguments: (vs 8)", "did you mean 3v8?"),
    (["curve", "0v1,3v8", "--limit", "1,2"], "too many arguments: (0v1,3v8)", "tasks are named so: --task 0v1,3v8"),
    (["curve", "x.png"], "too many arguments: (x.png)", "see mnistcli curve --help"),
    (["train", "2", "not", "2"], "too many arguments: (not 2)", "did you mean 2vrest?"),
    (["show", "-m", "builtin"], "there is no option -m", "see mnistcli show --help"),
    (
        ["train", "0v1", "--limit", "1e3"],
        "invalid value for '--limit': '1e3' is no whole number",
        "--limit takes a whole number, 1 to 1,000,000,000",
    ),
    (
        ["train", "0v1", "--tol", "small"],
        "invalid value for '--tol': 'small' is no number",
        "--tol takes 1e-16 to 1",
    ),
    (
        ["predict", "--index", "3,4"],
        "invalid value for '--index' / '-i': '3,4' is no whole number",
        "--index takes one at a time, and may stand several times",
    ),
    (["predict", "x.png", "--C", "3"], "there is no option --C", "see mnistcli predict --help"),
    (
        ["--tsv", "models", "list"],
        "there is no option --tsv",
        "options of a command stand behind it: mnistcli COMMAND --tsv",
    ),
    (["train", "0v1", "1v2"], "too many arguments: (1v2)", "see mnistcli train --help"),
    (
        ["models", "export"],
        "missing option '--to'",
        "type mnistcli models export --to html",
    ),
    *(
        ([*words, *given, *other], f"{given[0]} and {other[0]} exclude each other", f"leave {other[0]} away")
        for words, given, other in (
            (["compare", "x"], ["--data", "x"], ["--dataset", "mnist"]),
            (["curve", "-t", "0v1"], ["--preset", "fast"], ["--features", "pixels"]),
            (["download"], ["--check"], ["--source", "mirror"]),
            (["download", "--source", "x", "--as", "y"], ["--sheet"], ["--raw"]),
            (["evaluate"], ["--data", "x"], ["--on", "train"]),
            (["evaluate"], ["--threshold", "0"], ["--threshold-for", "recall=0.9"]),
            (["predict"], ["--keep", "mine"], ["--index", "0"]),
            (["predict", "x.png"], ["--number"], ["--raw"]),
        )
    ),
    (["train", "0v1", "--repeats", "2"], "--repeats goes with --cv", "--cv K"),
    (["predict", "x.png", "--against", "4"], "--against goes with --explain", "--explain"),
    (  # what is typed is asked for, though it be the default
        ["curve", "--disturb", "blur=1", "--seeds", "1"],
        "--disturb and --seeds exclude each other",
        "leave --seeds away",
    ),
    (["models", "rm"], "missing argument 'MODEL...'", "type mnistcli models rm MODEL..."),
    (
        ["completion"],
        "missing argument 'SHELL'. Choose from: bash, zsh, fish",
        "type mnistcli completion bash",
    ),
    (
        ["predict", "x", "--abstain-below", "50%"],
        "invalid value for '--abstain-below': '50%' is no number",
        "see mnistcli predict --help",
    ),
    (["predict", "--abstain-below", "nan", "x"], "--abstain-below nan is no number", "write a finite number"),
    (["train", "0v1", "--tol", "inf"], "--tol inf is no number", "--tol takes 1e-16 to 1"),
    (["train", "0v1", "--C", "nan"], "--C nan is no number", "--C takes 1e-10 to 1e+10"),
    (["train", "0v1", "--memory", "1KB"], "--memory = 1000 makes no sense", "--memory takes 100MB to 1000TB"),
    (["train", "0v1", "--features", "pixels+pixels"], "pixels+pixels has a stage twice", "leave one away"),
    (["train", "0v1", "--penalty", "none", "--C", "auto"], "without a penalty there is no C to choose", "leave --C away"),
    (["evaluate", "builtin", "--tsv", "--format", "latex"], "--tsv and --format latex exclude each other", "leave one away"),
    (["evaluate", "builtin", "--tsv", "-q"], "--tsv and --quiet exclude each other", "leave one away"),
    (["evaluate", "builtin", "--threshold", "1.5"], "the threshold 1.5 is not between 0 and 1", "see mnistcli evaluate --help"),
    (["models", "rm", "-y", "builtin"], "builtin is part of mnistcli, not removed or tagged", "see what there is: mnistcli models list"),
    (
        ["show", "3", "--mean"],
        "show one thing: images by index, files, digits, weights, filters, mistakes or suspects",
        "see mnistcli show --help",
    ),
    (["show", "3", "x.png"], "show either indices or files", "see mnistcli show --help"),
    (["predict", ""], "an argument is empty", "is a variable of the shell not set?"),
    (["train", "0v1", "--name", ""], "what stands behind --name is empty", "is a variable of the shell not set?"),
    (["train", "0v1", "--name="], "what stands behind --name is empty", "is a variable of the shell not set?"),
    (["predict", "-m", "", "x.png"], "what stands behind -m is empty", "is a variable of the shell not set?"),
    (["models", "rm", "-y", ""], "what stands behind -y is empty", "is a variable of the shell not set?"),
    (["predict", "--", ""], "an argument is empty", "is a variable of the shell not set?"),
    (["show", "7", "-o", "-"], "cannot draw into -", "end the name in .svg, .png or .pdf"),
    (["report", "-o", "-"], "cannot write a report to -", "end the name in .html or .md"),
    (["help", "jsn"], "there is no command and no topic 'jsn'", "did you mean json?"),
    (["help", "json", "more"], "there is no command and no topic 'json more'", "did you mean json?"),
    (["help", "models", "nothing"], "there is no command 'nothing'", "see mnistcli models --help"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message", "hint"), MISTAKES, ids=lambda x: " ".join(x or []) if isinstance(x, list) else "")  # fmt: skip
def test_a_mistake_is_one_line_and_a_hint(invoke, arguments, message, hint):
    done = invoke(*arguments)
    lines = [f"error: {message}", f"hint: {hint}"]
    assert (done.code, done.out, done.err.splitlines()) == (2, "", lines)


def test_the_help_on_training_names_every_kind_of_features():
    # In a table a bar that divides no columns has a backslash before it.
    kinds = r"\|".join(FEATURE_KINDS)
    assert f"`--features {kinds}`" in topics.read_topic("training")


def test_an_option_that_is_called_like_a_file_is_one(invoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "--tsv").touch()
    assert invoke("predict", "--index", "3", "-m", "builtin", "--tsv").code == 0


def test_a_file_that_looks_like_an_option_is_told_how_to_be_named(invoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-lead.png").touch()
    done = invoke("predict", "-lead.png", "x.png")
    said = "error: there is no option -lead.png\nhint: name the file so: ./-lead.png\n"
    assert (done.code, done.out, done.err) == (2, "", said)
    assert "-lead.png: is empty" in invoke("predict", "./-lead.png").err


@pytest.mark.parametrize("flag", ["--json", "--jsonl"])
def test_with_json_a_mistake_is_a_document(invoke, flag):
    done = invoke("predict", "--explian", flag)
    assert (done.code, done.out) == (2, "")
    document = json.loads(done.err)
    assert document["schema"] == "mnistcli.error"
    assert document["error"] == {
        "code": "usage",
        "message": "there is no option --explian",
        "hint": "did you mean --explain?",
        "exit_code": 2,
    }
    assert invoke("predict", "--explian", "--", flag).err.startswith("error: ")
    assert invoke("predict", "--", "-json").code == 6  # behind -- are no options


def test_choices_are_taken_in_any_case(invoke):
    done = invoke("train", "-t", "0v1", "--penalty", "L2", "--solver", "Newton", "--limit", "50", "--json")  # fmt: skip
    assert done.code == 0
    assert json.loads(done.out)["settings"]["penalty"] == "l2"


@pytest.mark.parametrize("arguments", [("0v1",), ("--task", "0v1"), ("0v1", "-t", "0v1")])
def test_the_task_is_an_argument_or_an_option(invoke, arguments):
    done = invoke("train", *arguments, "--limit", "50", "--json")
    assert json.loads(done.out)["task"] == "0v1"


def test_a_group_alone_shows_its_help(invoke):
    done = invoke("models")
    assert (done.code, done.out) == (0, invoke("models", "--help").out)


def test_help_lists_commands_and_topics(invoke):
    done = invoke("help")
    assert done.code == 0
    assert done.out.startswith(invoke("--help").out)
    for name, title in topics.topics().items():
        assert re.search(rf"^  {name} +{title[:20]}", done.out, re.MULTILINE)


def test_help_of_a_command_is_its_help(invoke):
    for words in (["train"], ["models"], ["models", "export"], ["help"]):
        assert invoke("help", *words).out.startswith(invoke(*words, "--help").out)


def test_a_hidden_option_is_in_no_help():
    app = typer.Typer(add_completion=False, rich_markup_mode=None)

    @app.command(cls=SectionedCommand, help="Do it.")
    def work(shown: str = "a", secret: str = typer.Option("b", hidden=True)) -> None:
        """Do nothing."""

    command = typer.main.get_command(app)
    ctx = command.make_context("work", [], resilient_parsing=True)
    assert "--shown" in ctx.get_help()
    assert "--secret" not in ctx.get_help()


@pytest.mark.parametrize("name", topics.topics())
def test_a_topic_is_plain_in_a_pipe_and_drawn_on_a_terminal(invoke, monkeypatch, name):
    text = topics.read_topic(name)
    assert text.startswith(f"# {topics.topics()[name]}\n")
    assert invoke("help", name).out.endswith(text)  # behind the help of a command of that name
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr("mnistcli.cli.commands.help.sys", SimpleNamespace(stdout=terminal))
    drawn = invoke("help", name, env={"COLUMNS": "72"}).out
    drawn = drawn[drawn.rfind(topics.topics()[name][:20]) :]
    assert "#" not in drawn.splitlines()[0]
    assert "\x1b]8" not in drawn
    assert "…" not in drawn, "cut off"
    assert drawn.split()[:3] == topics.topics()[name].split()[:3]


def test_code_in_a_topic_is_never_wrapped():
    console = PlainConsole(file=io.StringIO(), width=40)
    line = "mnistcli train 0v1 " + "--name x " * 9
    console.print(
        topics.drawn_topic(f"# A\n\n```\n{line}#\n```\n[x](http://y)", console), crop=False
    )
    lines = console.file.getvalue().splitlines()
    assert lines[2] == f"    {line}#"
    assert "http://y" in lines[4]  # what no terminal makes a link can be read


def test_the_version_is_a_command_too(invoke):
    assert invoke("version").out == invoke("--version").out


def test_quiet_keeps_notes_for_itself(invoke):
    assert invoke("train", "0v1", "--limit", "50", "-q").code == 0
    arguments = ("predict", "-i", "7", "--abstain-below", "1")
    assert invoke(*arguments).err == "1 of 1 below 1: answered ?\n"
    done = invoke(*arguments, "-q")
    assert (done.out, done.err) == ("?\n", "")


def test_a_removal_that_is_declined_removes_nothing(invoke, monkeypatch):
    assert invoke("train", "0v1", "--limit", "50", "-q").code == 0
    monkeypatch.setattr("mnistcli.cli.call.Call._is_confirmed", lambda *_: False)
    done = invoke("models", "rm", "0v1@1", "--json")
    assert (done.code, done.err) == (0, "nothing removed\n")
    assert json.loads(done.out)["models"] == []
    assert invoke("models", "list", "-q").out == "0v1@1\n"


def test_a_line_of_tsv():
    assert [*lines_of([[None, math.nan, 1.5, math.inf, 2, "a\tb"]], "tsv")] == [
        "\t\t1.5\tinf\t2\ta\\tb\n"
    ]


def test_a_skip_that_nobody_expects_is_named():
    skipped = [
        SimpleNamespace(nodeid=name, longrepr=("file", 1, f"Skipped: {reason}"))
        for name, reason in [("a", "no time"), ("b", "needs strace")]
    ]
    assert unexpected_skips(skipped) == ["a: no time"]


def test_an_example_is_one_line_to_copy_however_narrow_the_terminal(invoke):
    out = invoke("evaluate", "--help", env={"COLUMNS": "60"}).out
    line = "mnistcli evaluate digits --confusion --curves --output figure.pdf --width-mm 170"
    assert "  Examples:\n    mnistcli evaluate\n" in out
    assert f"\n    {line}\n" in out


@pytest.mark.parametrize("command", ["predict", "download", "curve"])
def test_options_are_called_as_parameters_and_flags_have_no_second_name(invoke, command):
    out = invoke(command, "--help").out
    assert "--no-" not in out
    names = {"predict": "-i, --index", "download": "--as", "curve": "--C"}
    assert f"  {names[command]} " in out


@pytest.mark.parametrize(
    ("arguments", "one", "other"),
    [
        ("show --weights digits --seed 3", "seed", "weights"),
        ("show --filters digits --dataset qmnist", "filters", "dataset"),
        ("show --weights digits --on train", "weights", "on"),
        ("show --mean --seed 3", "seed", "mean"),
        ("show --suspects digits --seed 3", "seed", "suspects"),
        ("evaluate --output a.svg --curves --render half", "render", "output"),
        ("evaluate -q --render half", "render", "quiet"),
        ("predict --index 7 --raw", "raw", "index"),
        ("download --list --dataset qmnist", "list", "dataset"),
        ("download --remove mine --source x", "remove", "source"),
        ("download --source x --as mine --force", "as", "force"),
        ("curve --disturb blur=1 --jobs 2", "disturb", "jobs"),
    ],
)
def test_an_option_without_effect_is_refused(invoke, arguments, one, other):
    done = invoke(*arguments.split())
    assert done.code == 2
    assert f"error: --{one} and --{other} exclude each other" in done.err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("show 7 --seed 3", "--seed goes with --copies"),
        ("show a.png --on test", "not of files"),
        ("show a.png --dataset mnist", "not of files"),
        ("evaluate --raw", "--raw goes with --data"),
        ("compare digits builtin --raw", "--raw goes with --data"),
        ("download --yes", "--yes goes with --remove"),
    ],
)
def test_an_option_alone_that_has_no_effect_is_refused(invoke, arguments, problem):
    done = invoke(*arguments.split())
    assert done.code == 2
    assert problem in done.err
