"""The rules of the house: which room may import which, and what starts without what."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import mnistcli
from mnistcli.cli.app import COMMANDS, read_command

PACKAGE = Path(mnistcli.__file__).parent

FLOORS = (
    {"_version", "arrays", "display", "errors", "mnist"},
    {"paths"},
    {"files", "tasks", "ranges", "parallel", "progress", "sampling"},
    {"containers", "features", "memory"},
    {"settings", "pictures"},
    {"linear_model"},
    {"cluster", "conforming"},
    {"sheets"},
    {"datasets"},
    {"metrics", "registry"},
    {"model_selection", "gallery", "numerals"},
    {"training", "evaluation", "prediction", "doctor"},
    {"comparison", "estimators", "learning_curves"},
    {"robustness"},
    {"cli"},
    {"notebook"},
    {"__main__"},
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
HEAVY = ("sklearn", "scipy", "pandas", "joblib", "distributed")
NETWORK = ("ssl", "http.client", "urllib.request")


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def imported_names(path):
    """What a module imports of the package for use, in functions too, not for its annotations."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body.clear()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] == "mnistcli")


def imported_rooms(path):
    for name in imported_names(path):
        yield name.partition(".")[2].partition(".")[0] or "__init__"


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_room_has_a_floor():
    assert {room_of(path) for path in modules()} == {*FLOOR_OF, "__init__"}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path):
    room = room_of(path)
    if room == "__init__":
        assert set(imported_rooms(path)) == {"_version"}
        return
    for other in imported_rooms(path):
        assert other in FLOOR_OF, f"{room} imports the package, which imports it"
        if other != room:
            assert FLOOR_OF[other] < FLOOR_OF[room], f"{room} imports {other}"


def test_modules_do_not_import_each_other():
    """Not by way of others either, and not in functions: which of them is below can be told."""
    names = {
        ".".join(("mnistcli", *path.relative_to(PACKAGE).with_suffix("").parts)): path
        for path in modules()
    }
    names = {name.removesuffix(".__init__"): path for name, path in names.items()}
    needed = {
        name: {each if each in names else each.rpartition(".")[0] for each in imported_names(path)}
        for name, path in names.items()
    }
    TopologicalSorter(needed).prepare()  # which raises CycleError with the modules of a circle


@pytest.mark.parametrize("library", ["typer", "rich"])
def test_typer_and_rich_live_in_cli_only(library):
    for path in modules():
        if room_of(path) != "cli":
            text = path.read_text("utf-8")
            assert f"import {library}" not in text
            assert f"from {library}" not in text


def test_a_word_means_one_thing_in_a_room():
    """No two modules of a room have a class, or an alias like one, of the same name."""
    homes = {}
    for path in modules():
        for node in ast.parse(path.read_text("utf-8")).body:
            targets = getattr(node, "targets", [])
            aliases = [each.id for each in targets if re.match("[A-Z][a-z]", ast.unparse(each))]
            names = [node.name] if isinstance(node, ast.ClassDef) else aliases
            for name in names:
                homes.setdefault((room_of(path), name), []).append(path.stem)
    assert not {*homes} & {("cli", name) for name in ("Path", "Text", "Console", "Group")}
    assert {key: stems for key, stems in homes.items() if len(stems) > 1} == {}


def test_what_a_path_leads_to_is_asked_in_one_place():
    """`Path.is_file` and its sisters let the system's refusals through, or call them False."""
    asked = re.compile(r"\.(is_dir|is_file|is_symlink|exists|expanduser|resolve)\(")
    found = {room_of(path) for path in modules() if asked.search(path.read_text("utf-8"))}
    assert found == {"paths"}


THREE = b"...####..\n..#....#.\n.......#.\n.....##..\n.......#.\n..#....#.\n...####..\n"


def loaded_after(arguments, home, *, stdin=b"", fails=False):
    """The modules that a command has loaded when it ends."""
    code = (
        "import sys\n"
        "from mnistcli.cli.app import app\n"
        f"try: app({arguments!r}, prog_name='mnistcli')\n"
        f"except SystemExit as end: assert bool(end.code) == {fails}, end.code\n"
        "print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], input=stdin, capture_output=True, check=False, cwd=home
    )
    assert ended.returncode == 0, ended.stderr.decode()
    return set(ended.stderr.decode().split())


@pytest.fixture
def model(invoke):
    assert invoke("train", "--task", "0v1", "--limit", "300", "-q").out == "0v1@1\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["show", "7"],
        ["predict", "--index", "7"],
        ["predict", "--index", "7", "--show", "--explain"],
        ["show", "--mistakes", "0v1"],
        ["evaluate"],
        ["evaluate", "--calibration", "--curves", "--threshold-for", "recall=0.9"],
        ["evaluate", "--fail-under", "accuracy=0.9"],
        ["compare", "0v1", "0v1"],
        ["models", "list"],
        ["models", "info"],
        ["train", "--task", "0v1", "--limit", "300"],
        ["download"],
        ["report"],
        ["doctor"],
        ["models", "reproduce"],
        ["models", "export", "--to", "json"],
    ],
    ids=" ".join,
)
def test_commands_start_without_heavy_libraries(arguments, home, model):
    assert not loaded_after(arguments, home) & {*HEAVY, *NETWORK}


def test_a_training_that_nobody_watches_loads_nothing_to_draw_it_with(home):
    loaded = loaded_after(["train", "0v1", "--limit", "300", "-q"], home)
    assert not loaded & {"mnistcli.cli.watch", "PIL"}


def test_a_picture_is_read_without_heavy_libraries_before_any_training(home):
    assert not loaded_after(["predict", "-", "-q"], home, stdin=THREE) & {*HEAVY, *NETWORK}


WITHOUT_COMMANDS = ("numpy", "mnistcli.cli.commands", "mnistcli.datasets", "mnistcli.settings")
WITHOUT_JUDGING = ("mnistcli.metrics", "mnistcli.evaluation", "mnistcli.model_selection")
WITHOUT_GETTING = tuple(
    f"mnistcli.{name}" for name in ("datasets.download", "datasets.sources", "containers.csv")
)


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--help"], WITHOUT_COMMANDS),
        (["nonsense"], WITHOUT_COMMANDS),
        (["predict", "--help"], ("numpy", *WITHOUT_JUDGING, *WITHOUT_GETTING)),
        (["predict", "-"], ("mnistcli.datasets.store", "mnistcli.training", *WITHOUT_JUDGING)),
        (["models", "list"], ("mnistcli.cli.views.train", *WITHOUT_JUDGING)),
        (["show", "7"], (*WITHOUT_JUDGING, *WITHOUT_GETTING)),
        (
            ["evaluate"],
            ("mnistcli.metrics.curves", *WITHOUT_GETTING),
        ),
        (
            ["train", "0v1", "--limit", "300"],
            (
                "mnistcli.model_selection.cross_validation",
                "mnistcli.metrics.curves",
                *WITHOUT_GETTING,
            ),
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_loads_what_it_needs(arguments, unwanted, home, model):
    loaded = loaded_after(arguments, home, stdin=THREE, fails=arguments == ["nonsense"])
    inside = {name for name in loaded if name.startswith(tuple(f"{each}." for each in unwanted))}
    assert not inside | loaded & {*unwanted}
    modules = {name for name in loaded if name.startswith("mnistcli.cli.commands.")}
    assert modules <= {f"mnistcli.cli.commands.{arguments[0]}"}


def test_every_command_has_its_help_in_one_text_and_nothing_else_has():
    text = (PACKAGE / "cli/commands.txt").read_text("utf-8")
    names = [name for names in COMMANDS.values() for name in names]
    assert {*names} == {path.stem for path in PACKAGE.glob("cli/commands/*.py")} - {"__init__"}
    paths = []
    for name in names:
        command = read_command(name)
        below = getattr(command, "commands", {}).items()
        for path, each in [(name, command), *((f"{name} {n}", each) for n, each in below)]:
            paths.append(path)
            assert f"## {path}\n\n{each.help}\n" in text
    assert re.findall(r"(?m)^## (.*)$", text) == paths


@pytest.mark.parametrize("name", [name for names in COMMANDS.values() for name in names])
def test_what_excludes_or_goes_with_what_are_options_that_there_are(name):
    """Of a name that is misspelt in a rule of `@command` nobody would ever hear."""
    command = read_command(name)
    options = {
        each.name
        for one in (command, *getattr(command, "commands", {}).values())
        for each in one.params
    }
    module = importlib.import_module(f"mnistcli.cli.commands.{name}")
    for node in ast.walk(ast.parse(Path(module.__file__).read_text("utf-8"))):
        if isinstance(node, ast.keyword) and node.arg in ("apart", "together"):
            rules = eval(ast.unparse(node.value), vars(module))  # noqa: S307 - ours
            assert {*" ".join(rules).split()} <= options


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["models", "list", "--json"]])
def test_some_commands_need_no_numpy(arguments, home, model):
    assert "numpy" not in loaded_after(arguments, home)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["models", "list", "--json"]]
)
def test_some_commands_need_no_rich(arguments, home, model):
    assert "rich" not in loaded_after(arguments, home)


@pytest.mark.parametrize("arguments", [["predict", "-", "-m", "builtin"], ["predict", "-"]])
def test_pictures_are_read_without_random_numbers(arguments, home, model):
    loaded = loaded_after(arguments, home, stdin=THREE)
    assert not {"numpy.random", "numpy.ma"} & loaded


@pytest.mark.parametrize("arguments", [["evaluate"], ["train", "--task", "0v1"]])
def test_some_commands_need_no_masked_arrays(arguments, home, model):
    assert "numpy.ma" not in loaded_after(arguments, home)


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_needs_no_typer(option):
    code = (
        "import sys\n"
        "from mnistcli.__main__ import main\n"
        f"sys.argv[1:] = [{option!r}]\n"
        "main()\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert ended.stdout.decode() == f"mnistcli {mnistcli.__version__}\n"
    assert "typer" not in ended.stderr.decode().split()


def test_cycles_are_looked_for_while_a_command_runs_and_not_at_its_end():
    code = (
        "import atexit, gc, sys\n"
        "def tell(): print(len(gc.get_objects()) < 100, gc.isenabled())\n"
        "atexit.register(tell)\n"
        "from mnistcli.__main__ import main\n"
        "sys.argv[1:] = ['version']\n"
        "main()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert ended.stdout.decode().split("\n")[1:] == ["True True", ""]


def test_importing_the_package_costs_nothing():
    code = "import sys; before = {*sys.modules}; import mnistcli; print(*{*sys.modules} - before)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert set(ended.stdout.decode().split()) <= {"mnistcli", "mnistcli._version", "__future__"}


def test_results_are_drawn_by_what_is_loaded_when_they_are():
    code = "import sys, mnistcli; mnistcli.train, mnistcli.show; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    loaded = set(ended.stdout.decode().split())
    assert "mnistcli.notebook" in loaded
    assert not loaded & {"mnistcli.cli", "rich", *HEAVY}


def test_the_public_names_are_all_there():
    assert mnistcli.__all__ == sorted(mnistcli.__all__)
    assert set(mnistcli.__all__) <= set(dir(mnistcli))
    for name in mnistcli.__all__:
        assert getattr(mnistcli, name) is not None
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text("utf-8"))
    homes = {each.name: node.module for node in stub.body for each in node.names}
    assert sorted(homes) == mnistcli.__all__
    for name, home in homes.items():
        assert getattr(importlib.import_module(home), name) is getattr(mnistcli, name)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = mnistcli.nonsense


def test_the_top_level_holds_what_the_design_allows():
    """Files that a tool left in the work tree were once committed with everything else."""
    root = Path(__file__).parent.parent
    if not (root / ".git").exists():
        pytest.skip("no checkout")
    listed = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, check=True)
    names = {name.partition("/")[0] for name in listed.stdout.decode().splitlines()}
    known = {"LICENSE", "README.md", "mnistcli", "noxfile.py", "pyproject.toml", "tests"}
    assert {name for name in names if not name.startswith(".")} == known
