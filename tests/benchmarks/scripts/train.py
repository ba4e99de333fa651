import sys

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import classification_report

digits = [int(digit) for digit in sys.argv[3]]
mnist = np.load(sys.argv[2])


def part(name):
    rows = np.isin(mnist[f"y_{name}"], digits)
    X = mnist[f"x_{name}"][rows].reshape(-1, 784).astype(np.float32) / 255
    return X, mnist[f"y_{name}"][rows]


model = LogisticRegression(max_iter=1000).fit(*part("train"))
X, y = part("test")
print(classification_report(y, model.predict(X)))
joblib.dump(model, sys.argv[1])
