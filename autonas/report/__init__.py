"""The report: one HTML file that tells what was searched, what won, and how sure that is."""

from autonas.report.writing import write_report

__all__ = ["write_report"]
