"""Logistic regression: the objective, the solvers, the fitted classifier."""
