"""A small client of the HTTP API: typed answers, timeouts, and retries that cannot decide twice.

>>> from creditrisk.client import Client
>>> with Client("http://127.0.0.1:8080", key="crk_…") as client:  # doctest: +SKIP
...     answer = client.predict([{"application": {"SK_ID_CURR": 100002}}])
...     answer.decisions[0].decision
'refer'
"""

from creditrisk.client.answers import Answer, Decision, Model, Override, Reason
from creditrisk.client.client import Client, RequestRefused

__all__ = ["Answer", "Client", "Decision", "Model", "Override", "Reason", "RequestRefused"]
