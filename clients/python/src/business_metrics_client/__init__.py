"""A typed client of the business metrics API."""

from .answer import Answer, Left
from .client import Client
from .problem import Problem

__all__ = ["Answer", "Client", "Left", "Problem"]
__version__ = "1.0.0"
