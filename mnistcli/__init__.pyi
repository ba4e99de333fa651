# What type checkers read; `__init__` imports a name when it is first used.
# ruff: noqa: I001 - one import for each module

from mnistcli._version import __version__ as __version__
from mnistcli.comparison import compare as compare
from mnistcli.conforming.placing import conform as conform
from mnistcli.datasets.store import (
    Dataset as Dataset,
    LabelledImages as LabelledImages,
    open_dataset as open_dataset,
)
from mnistcli.errors import MnistCliError as MnistCliError
from mnistcli.estimators import Digits as Digits, LogisticRegression as LogisticRegression
from mnistcli.evaluation import evaluate as evaluate
from mnistcli.features import FeatureSpec as FeatureSpec
from mnistcli.notebook import (
    mistakes as mistakes,
    report as report,
    show as show,
    weights as weights,
)
from mnistcli.numerals import read_numbers as read_numbers
from mnistcli.prediction import explain as explain, predict as predict
from mnistcli.registry import load_model as load_model, save_model as save_model
from mnistcli.registry.model_file import Model as Model
from mnistcli.settings import (
    FoldSpec as FoldSpec,
    SolverSettings as SolverSettings,
    SplitSpec as SplitSpec,
    TrainingSettings as TrainingSettings,
)
from mnistcli.tasks import Task as Task, parse_task as parse_task
from mnistcli.training import train as train
