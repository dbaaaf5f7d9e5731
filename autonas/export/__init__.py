"""Fitted estimators as files that other programs run."""
