"""What is checked, and how: ``nox`` runs lint, types and tests; the rest is opt-in."""

import re
from itertools import chain
from pathlib import Path

import nox

PROJECT = nox.project.load_toml("pyproject.toml")

nox.needs_version = ">=2024.10.9"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True


def install(session: nox.Session, *groups: str) -> None:
    """Install the project and dependency groups."""
    session.install(".", *nox.project.dependency_groups(PROJECT, *groups))


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly, those of the examples in Python as well."""
    install(session, "type")
    session.run("mypy")
    for path in (Path("README.md"), Path("mnistcli/cli/help/python.md")):
        example = r"^```python\n(.*?)^```$|^(?:>>> |\.\.\. )([^\n]*\n)"
        found = re.findall(example, path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
        script = Path(session.create_tmp()) / f"{path.stem.lower()}_examples.py"
        script.write_text("".join(block or line for block, line in found), "utf-8")
        session.run("mypy", str(script))


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests; arguments go to pytest."""
    install(session, "test")
    session.run("pytest", "-n", "2", *session.posargs)


@nox.session
def torture(session: nox.Session) -> None:
    """Run the tests that take minutes: full counts of what is promised."""
    install(session, "test")
    session.run(
        "pytest",
        "-n",
        "2",
        "--hypothesis-profile",
        "torture",
        "-m",
        "torture or promise",
        "--timeout",
        "21600",  # on a busy machine what takes long is not blocked yet
        *session.posargs,
    )


@nox.session
def bench(session: nox.Session) -> None:
    """Time us and others; ``nox -s bench -- --tasks 0v1 --runs 5`` for less."""
    install(session, "bench")
    home = session.create_tmp()
    session.run("python", "-m", "tests.benchmarks", "--home", home, *session.posargs)


@nox.session
def accuracy(session: nox.Session) -> None:
    """Train with every preset, judge on the test images; ``nox -s accuracy -- --tables digits``."""
    install(session)
    session.run("python", "-m", "tests.accuracy", *session.posargs)


@nox.session
def scale(session: nox.Session) -> None:
    """Train on many rows, and let others do so; ``nox -s scale -- --tables pixels --copies 0 3``."""
    install(session, "scale")
    session.run("python", "-m", "tests.scale", *session.posargs)


@nox.session
def builtin(session: nox.Session) -> None:
    """Train the model that comes with the program anew and put it in its place in the package."""
    install(session)
    session.run("python", "-m", "tests.builtin")


@nox.session
def corpora(session: nox.Session) -> None:
    """Ask about odd pictures from elsewhere, fetched now; ``nox -s corpora -- FOLDER`` for more."""
    install(session)
    folder = session.create_tmp()
    sources = ("pillow", "pypng")  # Pillow's own test images, and PngSuite
    download = ("pip", "download", "-q", "--no-deps", "--no-binary", ",".join(sources))
    session.run(*download, "--dest", folder, *sources)
    session.run("python", "-m", "tests.corpora", folder, *session.posargs)


@nox.session
def browser(session: nox.Session) -> None:
    """Draw on an exported page in Chromium; ``nox -s browser -- --basetemp FOLDER`` for pictures."""
    install(session, "browser")
    session.run("pytest", "-rP", "tests/browser/check_page.py", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Make one mistake at a time and see whether the tests notice; ``nox -s mutants -- --count 40``."""
    install(session, "test", "mutants")
    session.run("python", "-m", "tests.mutants", *session.posargs)


@nox.session
def audit(session: nox.Session) -> None:
    """Ask for known holes in the oldest versions that pyproject.toml admits."""
    session.install("pip-audit")
    project = PROJECT["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *chain.from_iterable(extras)]
    floors = Path(session.create_tmp()) / "floors.txt"
    floors.write_text("\n".join(re.sub(r">=([0-9.]+).*", r"==\1", each) for each in wanted))
    # Strict: what the advisories could not be asked about is no success.
    session.run("pip-audit", "--strict", "--no-deps", "--disable-pip", "-r", str(floors))
