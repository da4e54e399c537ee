"""Reads what Grafana reads at its start, from where Grafana reads it, and ends where it would: the first password from
its file, data sources, providers of dashboards, their dashboards. Answers /api/health and tells on /read what it read.
"""

import json
import os
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

PROVISIONING = Path("/etc/grafana/provisioning")


def provisioned(kind: str) -> list[dict[str, Any]]:
    files = sorted((PROVISIONING / kind).glob("*.yaml"))
    return [
        entry
        for file in files
        for entry in yaml.safe_load(file.read_text("utf-8"))[kind if kind == "datasources" else "providers"]
    ]


assert Path(os.environ["GF_SECURITY_ADMIN_PASSWORD__FILE"]).read_text("ascii").strip()
sources = provisioned("datasources")
dashboards = [
    json.loads(file.read_text("utf-8"))["uid"]
    for provider in provisioned("dashboards")
    for file in sorted(Path(provider["options"]["path"]).glob("*.json"))
]
for source in sources:
    with urllib.request.urlopen(f"{source['url']}/-/ready", timeout=10) as answer:
        assert answer.status == 200
Path("/var/lib/grafana/grafana.db").touch()


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        told = {
            "/api/health": {"database": "ok"},
            "/read": {"sources": [s["uid"] for s in sources], "dashboards": dashboards},
        }
        body = json.dumps(told.get(self.path, {})).encode()
        self.send_response(200 if self.path in told else 404)
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("0.0.0.0", 3000), Answer).serve_forever()
