"""A cluster of the fake ECS with one stable service of two tasks, and two newer images in its registry."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
import requests
from moto.server import ThreadedMotoServer

from tests.support.fake_ecs import ACCOUNT, REGION, FakeEcs, fake_ecs

type Aws = Callable[[str], Any]

REPOSITORY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/creditrisk-api"
OLD = f"{REPOSITORY}:1.0"
MANIFESTS = [
    json.dumps(
        {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {"size": number}}
    )
    for number in range(2)
]
DEFINITION: dict[str, Any] = {
    "family": "creditrisk-api",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "cpu": "512",
    "memory": "1024",
    "executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/pull",
    "taskRoleArn": f"arn:aws:iam::{ACCOUNT}:role/decide",
    "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
    "volumes": [{"name": "workspace", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "rootDirectory": "/w"}}],
    "tags": [{"key": "owner", "value": "risk"}],
    "containerDefinitions": [
        {
            "name": "api", "image": OLD, "essential": True, "readonlyRootFilesystem": True, "user": "10001",
            "portMappings": [{"containerPort": 8080, "protocol": "tcp"}],
            "environment": [{"name": "MODEL_ALIAS", "value": "production"}],
            "secrets": [{"name": "CREDITRISK_SIGNING_KEY", "valueFrom": f"arn:aws:ssm:{REGION}:{ACCOUNT}:x"}],
            "linuxParameters": {"capabilities": {"drop": ["ALL"]}, "initProcessEnabled": True},
            "dependsOn": [{"containerName": "logs", "condition": "START"}],
        },
        {"name": "logs", "image": "fluent-bit:3", "essential": False},
    ],
}  # fmt: skip


@contextmanager
def cloud() -> Iterator[FakeEcs]:
    """An address that answers as AWS does; empty."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        with fake_ecs(f"http://{host}:{port}") as fake:
            yield fake
    finally:
        server.stop()


def clients(fake: FakeEcs) -> Aws:
    """aws("ecs"): boto3's client for it; a client costs more than all of a test's calls."""
    session = boto3.session.Session("testing", "testing", region_name=REGION)
    return cache(lambda name: session.client(name, endpoint_url=fake.url))


def environment(fake: FakeEcs) -> dict[str, str]:
    """Of a command that takes it for AWS."""
    return {
        "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": fake.url,
        "CREDITRISK_DEPLOY_POLL_SECONDS": "0.05", "CREDITRISK_DEPLOY_SMOKE_SECONDS": "0",
        "CREDITRISK_DEPLOY_UNDO_SECONDS": "20",
    }  # fmt: skip


def furnish(fake: FakeEcs, aws: Aws) -> None:
    """Whatever there was before is gone."""
    requests.post(f"{fake.moto}/moto-api/reset", timeout=10)
    fake.forget()
    client = aws("ecs")
    client.create_cluster(clusterName="creditrisk")
    client.register_task_definition(**DEFINITION)
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    client.create_service(
        cluster="creditrisk", serviceName="creditrisk-api", taskDefinition="creditrisk-api:1", desiredCount=2,
        deploymentConfiguration=breaker,
    )  # fmt: skip
    aws("ecr").create_repository(repositoryName="creditrisk-api")
    for manifest in MANIFESTS:
        pushed = aws("ecr").put_image(repositoryName="creditrisk-api", imageManifest=manifest)["image"]["imageId"]
        fake.pushed.append(f"{REPOSITORY}@{pushed['imageDigest']}")
    fake.calls.clear()


def runs(aws: Aws) -> tuple[str, str, int]:
    """(definition, state, deployments) of the service."""
    (service,) = aws("ecs").describe_services(cluster="creditrisk", services=["creditrisk-api"])["services"]
    deployments = service["deployments"]
    return service["taskDefinition"].rpartition("/")[2], deployments[0]["rolloutState"], len(deployments)
