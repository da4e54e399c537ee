"""Decisions over HTTP: raw records in, decisions out, each on disk before it is answered."""

from creditrisk.serving.app import create_app
from creditrisk.serving.keys import ROLES, new_key
from creditrisk.serving.logs import write_json_logs
from creditrisk.serving.security import Guard
from creditrisk.serving.server import Ports
from creditrisk.serving.spans import span_maker

__all__ = ["ROLES", "Guard", "Ports", "create_app", "new_key", "span_maker", "write_json_logs"]
