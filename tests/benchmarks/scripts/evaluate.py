import sys

import joblib
import numpy as np
from sklearn.metrics import classification_report, confusion_matrix, log_loss, roc_auc_score

model = joblib.load(sys.argv[1])
mnist = np.load(sys.argv[2])
rows = np.isin(mnist["y_test"], model.classes_)
X = mnist["x_test"][rows].reshape(-1, 784).astype(np.float32) / 255
y = mnist["y_test"][rows]
p = model.predict_proba(X)
print(classification_report(y, model.predict(X)), confusion_matrix(y, model.predict(X)))
print(roc_auc_score(y, p[:, 1]), log_loss(y, p))
