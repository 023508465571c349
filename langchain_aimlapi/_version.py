"""The one place that holds the package's version."""

__version__ = "1.1.0"
