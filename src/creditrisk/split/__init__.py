"""Who is learnt from and who is tested on: by a stable hash of the entity, and by time where there is one."""

from creditrisk.split.knowledge import knowledge
from creditrisk.split.labels import LABEL_STATES, Labels, read_labels
from creditrisk.split.parts import PARTS, Parts, assign
from creditrisk.split.tables import NOT_FEATURES, write_audit, write_parts

__all__ = [
    "LABEL_STATES",
    "NOT_FEATURES",
    "PARTS",
    "Labels",
    "Parts",
    "assign",
    "knowledge",
    "read_labels",
    "write_audit",
    "write_parts",
]
