"""One import, one fit: ``fit.py PEER HOME TASK RESULT.npz``; C = 1, intercept not penalised."""

import importlib
import sys
import time
import warnings


def main():
    peer, home, task, result = sys.argv[1:]
    fit, module, kind = FITS[peer.removesuffix(" (1 thread)")]
    started = time.perf_counter()
    importlib.import_module(module)
    import_seconds = time.perf_counter() - started

    import numpy as np

    X = np.load(f"{home}/{task}-train-{kind}.npy", mmap_mode="r" if kind == "uint8" else None)
    y = np.load(f"{home}/{task}-train-y.npy")
    started, cpu_started = time.perf_counter(), time.process_time()
    coef, intercept, trace = fit(X, y)
    np.savez(
        result,
        fit_seconds=time.perf_counter() - started,
        fit_cpu_seconds=time.process_time() - cpu_started,
        import_seconds=import_seconds,
        trace=np.array(trace).reshape(-1, 2),
        coef=np.array(coef, dtype=np.float64, ndmin=2),
        intercept=np.array(intercept, dtype=np.float64, ndmin=1),
    )


def fit_ours(X, y):
    from mnistcli.linear_model.newton import fit_newton
    from mnistcli.progress import Progress

    trace = []
    progress = Progress()
    progress.update = lambda *told: trace.append(
        (time.perf_counter() - started, told[-1].objective)
    )
    started = time.perf_counter()
    fitted = fit_newton(
        X,
        y,
        n_classes=int(y.max()) + 1,
        scale=1 / 255,
        progress=progress,
    )
    return fitted.coef, fitted.intercept, trace


def fit_sklearn(X, y, solver, module="sklearn.linear_model"):
    estimator = importlib.import_module(module).LogisticRegression(solver=solver, max_iter=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(X, y)
    return estimator.coef_, estimator.intercept_, ()


def fit_liblinear(X, y):
    from liblinear.liblinearutil import parameter, problem, train
    from scipy.sparse import csr_matrix

    if y.max() > 1:
        sys.exit("one-vs-rest only")
    rows = problem(y, csr_matrix(X, dtype="f8"), bias=1)
    # -s 0: L2-regularised logistic regression, primal; it penalises the intercept.
    # -e: where scikit-learn has it stop, for at its own 0.01 it stops far from the optimum.
    model = train(rows, parameter("-s 0 -c 1 -e 0.0001 -q"))
    weights, bias = model.get_decfun()
    sign = 1 if model.get_labels()[0] == 1 else -1
    return [sign * weight for weight in weights], sign * bias, ()


def fit_glum(X, y):
    from glum import GeneralizedLinearRegressor

    if y.max() > 1:
        sys.exit("two classes only")
    # Its objective is the mean loss plus alpha / 2 ||w||^2.
    estimator = GeneralizedLinearRegressor(
        family="binomial", alpha=1 / len(y), l1_ratio=0, max_iter=1000
    ).fit(X, y)
    return estimator.coef_, estimator.intercept_, ()


FITS = {
    "ours": (fit_ours, "mnistcli.linear_model.newton", "uint8"),
    "lbfgs": (lambda X, y: fit_sklearn(X, y, "lbfgs"), "sklearn.linear_model", "float32"),
    "newton-cholesky": (
        lambda X, y: fit_sklearn(X, y, "newton-cholesky"),
        "sklearn.linear_model",
        "float32",
    ),
    "intelex": (
        lambda X, y: fit_sklearn(X, y, "lbfgs", "sklearnex.linear_model"),
        "sklearnex.linear_model",
        "float32",
    ),
    "liblinear": (fit_liblinear, "liblinear.liblinearutil", "float32"),
    "glum": (fit_glum, "glum", "float32"),
}

if __name__ == "__main__":
    main()
