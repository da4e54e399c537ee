"""Servers on Amazon ECS: a service whose tasks run one task definition.

Region, credentials and endpoint (AWS_ENDPOINT_URL_ECS, AWS_ENDPOINT_URL) as boto3 finds them. boto3 itself repeats what
was throttled or failed on the other side, with pauses that grow.
Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from creditrisk.errors import BadUsage, Busy, OutsideFailed, Refused, Superseded, did_you_mean
from creditrisk.ports import Placed

TRIES = 5
"""Of each call, by boto3."""

_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[^@:]+)(?::[^@]+)?@(?P<digest>sha256:[0-9a-f]{64})"
)
_WHO = ("AccessDenied", "UnrecognizedClient", "ExpiredToken", "InvalidClientTokenId", "InvalidSignature",
        "SignatureDoesNotMatch", "AuthFailure", "MissingAuthenticationToken", "IncompleteSignature")  # fmt: skip
"""How the codes of answers begin that are about who asks."""
_LOGGED_OUT = ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "TokenRetrievalError",
               "SSOTokenLoadError", "CredentialRetrievalError")  # fmt: skip
"""boto3's errors before anything is asked."""
_MAY_PASS = ("Throttl", "TooManyRequests", "RequestLimitExceeded", "ServerException", "InternalError",
             "InternalFailure", "InternalServer", "ServiceUnavailable", "RequestTimeout")  # fmt: skip


class EcsService:
    """One container of one service. family: the definition's must be that; None = whichever the service has.

    wait_s: how long a deployment may take.  poll_s: between two looks.
    """

    kind = "ecs"

    def __init__(
        self,
        cluster: str,
        service: str,
        container: str,
        *,
        family: str | None = None,
        wait_s: float = 900.0,
        poll_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cluster, self._service, self._container, self._family = cluster, service, container, family
        self._wait_s, self._poll_s, self._clock, self._sleep = wait_s, poll_s, clock, sleep
        self._clients: dict[str, Any] = {}
        self._raw: dict[str, Any] = {}

    @property
    def target(self) -> str:
        return f"{self._cluster}/{self._service}/{self._container}"

    def placed(self) -> Placed:
        """What the service is told to run. Raises BadUsage where there is none, Refused for another kind."""
        service = self._told()
        definition = self._definition(service["taskDefinition"])
        return Placed(self._image(definition), _short(service["taskDefinition"]))

    def need_idle(self) -> None:
        service = self._told()
        moving = [one for one in service["deployments"] if one.get("rolloutState") == "IN_PROGRESS"]
        moving += [one for one in service["deployments"] if one["status"] == "ACTIVE" and one not in moving]
        if moving:
            raise Busy(
                f"a deployment of {_short(moving[0]['taskDefinition'])} is under way",
                where=self.target,
                hint="wait until it has ended; the service's deployment circuit breaker ends one that cannot work",
            )
        if service["desiredCount"] < 1:
            raise Refused(
                "the service is scaled to no task, so that nothing could be tried",
                where=self.target,
                hint=f"aws ecs update-service --cluster {self._cluster} --service {self._service} --desired-count 1",
            )

    def difference(self, image: str) -> Sequence[Mapping[str, str]]:
        now = self._definition(self._told()["taskDefinition"])
        self._need_image(image)
        return [
            {
                "where": f"{_short(now['taskDefinitionArn'])}: containerDefinitions[{self._container}].image",
                "was": self._image(now),
                "becomes": image,
            }
        ]

    def prepare(self, image: str) -> Placed:
        """The live definition with the other image, as a new revision; or the newest one, where it is just that."""
        self._need_image(image)
        live, tags = self._described(self._told()["taskDefinition"])
        wanted = {**self._to_register(live, image), **({"tags": tags} if tags else {})}
        newest, its_tags = self._described(live["family"])
        known = {**self._to_register(newest, self._image(newest)), **({"tags": its_tags} if its_tags else {})}
        if known == wanted and newest.get("status", "ACTIVE") == "ACTIVE":
            return Placed(image, _short(newest["taskDefinitionArn"]))
        told = self._ask("ecs", "register_task_definition", **wanted)
        return Placed(image, _short(told["taskDefinition"]["taskDefinitionArn"]), made=True)

    def place(self, what: Placed, *, instead_of: Placed) -> None:
        now = _short(self._told()["taskDefinition"])
        if now == what.definition:
            return
        if now != instead_of.definition:
            raise self._superseded(now)
        self._ask("ecs", "update_service", cluster=self._cluster, service=self._service, taskDefinition=what.definition)

    def settle(self, what: Placed, tell: Callable[[str], None]) -> None:
        """Until the service's one deployment is of this definition and complete.

        Raises Refused with ECS' own words when its circuit breaker gave up, or when the time is over.
        """
        until, seen = self._clock() + self._wait_s, ""
        while True:
            try:
                service = self._told()
                if self._is_stable(service, what):
                    return
                if (now := _state(service, what)) != seen:
                    tell(seen := now)
            except OutsideFailed as error:  # a deployment does not fail because nobody could look
                if not error.retry_may_help or self._clock() > until:
                    raise
                tell(f"not to be seen for the moment: {error.what}")
            if self._clock() > until:
                raise Refused(
                    f"{what.definition} is not stable after {self._wait_s:g} s: {seen or 'nothing was to be seen'}",
                    where=self.target,
                    hint="see the stopped tasks' reasons and logs; CREDITRISK_DEPLOY_WAIT_MINUTES gives more time",
                )
            self._sleep(self._poll_s)

    def discard(self, what: Placed) -> None:
        self._ask("ecs", "deregister_task_definition", taskDefinition=what.definition)

    def _is_stable(self, service: Mapping[str, Any], what: Placed) -> bool:
        """Raises Refused where the deployment failed, Superseded where it is another's."""
        deployments = service["deployments"]
        primary = next(one for one in deployments if one["status"] == "PRIMARY")
        ours = _of(service, what)
        if ours is not None and ours.get("rolloutState") == "FAILED":
            raise self._failed(service, what, str(ours.get("rolloutStateReason", "")))
        if ours is None or ours is not primary:
            reason = str(primary.get("rolloutStateReason", ""))
            if "circuit breaker" in reason:  # ECS has put back what ran before
                raise self._failed(service, what, reason)
            raise self._superseded(_short(primary["taskDefinition"]))
        complete = primary.get("rolloutState", "COMPLETED") == "COMPLETED"
        return complete and len(deployments) == 1 and primary["runningCount"] == primary["desiredCount"]

    def _failed(self, service: Mapping[str, Any], what: Placed, why: str) -> Refused:
        event = _last_event(service)
        words = ". ".join(dict.fromkeys(text.strip().rstrip(".") for text in (why, event) if text.strip()))
        return Refused(
            f"{what.definition} failed: {words or 'ECS gave no reason'}",
            where=self.target,
            hint="see the stopped tasks' reasons and logs: aws ecs describe-tasks, and the log group of the definition",
        )

    def _superseded(self, now: str) -> Superseded:
        return Superseded(
            f"{now} was put in place meanwhile", where=self.target, hint="see who else deploys this service"
        )

    def _told(self) -> dict[str, Any]:
        """The service as it is. Raises BadUsage where it is not there, Refused where it is not for this tool."""
        told = self._ask("ecs", "describe_services", cluster=self._cluster, services=[self._service])
        found = [one for one in told["services"] if one.get("status") != "INACTIVE"]
        if not found:
            raise BadUsage(
                f"there is no service {self._service}",
                where=f"cluster {self._cluster}",
                hint="aws ecs list-services --cluster NAME tells them; see region and account too (AWS_REGION)",
            )
        service: dict[str, Any] = found[0]
        if service["status"] != "ACTIVE":
            raise Refused(f"the service is {service['status']}", where=self.target, hint="nothing is deployed to it")
        controller = service.get("deploymentController", {}).get("type", "ECS")
        if controller != "ECS":
            raise Refused(
                f"the service's deployments are made by {controller}",
                where=self.target,
                hint={"CODE_DEPLOY": "deploy it by CodeDeploy, or make the service anew with the controller ECS"}.get(
                    controller,
                    "whoever owns its task sets deploys it; or make the service anew with the controller ECS",
                ),
            )
        return service

    def _definition(self, name: str) -> dict[str, Any]:
        return self._described(name)[0]

    def _described(self, name: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
        told = self._ask("ecs", "describe_task_definition", taskDefinition=name, include=["TAGS"])
        definition: dict[str, Any] = told["taskDefinition"]
        if self._family is not None and definition["family"] != self._family:
            raise Refused(
                f"the service runs a definition of the family {definition['family']}",
                where=self.target,
                hint=f"give --family {definition['family']}, or leave it out",
            )
        lost = sorted(set(_paths(self._raw.get("taskDefinition", {}))) - set(_paths(definition)))
        if lost:
            raise Refused(
                f"the definition has fields that this boto3 does not know and would lose: {', '.join(lost[:5])}",
                where=_short(definition["taskDefinitionArn"]),
                hint="pip install --upgrade boto3",
            )
        tags = [tag for tag in told.get("tags", []) if not tag["key"].startswith("aws:")]  # those AWS alone sets
        return definition, tags

    def _image(self, definition: Mapping[str, Any]) -> str:
        images = {one["name"]: one["image"] for one in definition["containerDefinitions"]}
        if self._container not in images:
            raise BadUsage(
                f"the definition has no container {self._container}",
                where=_short(definition["taskDefinitionArn"]),
                hint=did_you_mean(self._container, images),
            )
        return str(images[self._container])

    def _to_register(self, definition: Mapping[str, Any], image: str) -> dict[str, Any]:
        """What `register_task_definition` takes of a definition, with the other image in it."""
        taken = self._client("ecs").meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
        containers = [
            {**one, "image": image} if one["name"] == self._container else one
            for one in definition["containerDefinitions"]
        ]
        return {name: value for name, value in definition.items() if name in taken} | {
            "containerDefinitions": containers
        }

    def _need_image(self, image: str) -> None:
        """An image of ECR has to be there, in the service's region; of another registry nothing can be asked."""
        parts = _ECR.fullmatch(image)
        if parts is None:
            return
        region = self._client("ecs").meta.region_name
        if parts["region"] != region:
            raise Refused(
                f"the image is in {parts['region']}, the service in {region}",
                where=image,
                hint=f"push it to {region} as well, or replicate the registry there",
            )
        identity = {"registryId": parts["account"], "repositoryName": parts["repository"]}
        try:
            self._ask("ecr", "describe_images", **identity, imageIds=[{"imageDigest": parts["digest"]}])
        except _Denied:
            return  # the tasks' own role pulls it; whoever deploys need not see it

    def _client(self, name: str) -> Any:
        if name not in self._clients:
            boto3, botocore = _library()
            config = botocore.config.Config(
                connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": TRIES}
            )
            with _understood(f"{name} client"):
                client = boto3.session.Session().client(name, config=config)
            if name == "ecs":
                client.meta.events.register("before-parse.ecs.DescribeTaskDefinition", self._keep_raw)
            self._clients[name] = client
        return self._clients[name]

    def _keep_raw(self, response_dict: Mapping[str, Any], **_: Any) -> None:
        """boto3 drops fields that it does not know; the bytes have them."""
        try:
            self._raw = dict(json.loads(response_dict["body"] or b"{}"))
        except (ValueError, KeyError):
            self._raw = {}

    def _ask(self, name: str, call: str, /, **told: Any) -> dict[str, Any]:
        client = self._client(name)
        action = f"{name}:{client.meta.method_to_api_mapping[call]}"
        with _understood(action):
            answer: dict[str, Any] = getattr(client, call)(**told)
        return answer


class _Denied(OutsideFailed):
    """These credentials may not do that."""


@contextmanager
def _understood(action: str) -> Iterator[None]:
    """What boto3 raises, in words of ours. action: the right that it needs, such as ecs:UpdateService."""
    _, botocore = _library()
    errors = botocore.exceptions
    try:
        yield
    except errors.NoRegionError as error:
        raise BadUsage(
            "no region is set", where=action, hint="set AWS_REGION, or AWS_PROFILE to one that has it"
        ) from error
    except tuple(getattr(errors, name) for name in _LOGGED_OUT) as error:
        raise OutsideFailed(
            f"no AWS credentials were found: {type(error).__name__}",
            where=action,
            hint="log in as for the aws command (AWS_PROFILE, AWS_ROLE_ARN with a web identity, or keys)",
            retry_may_help=False,
        ) from error
    except errors.ClientError as error:
        raise _said_no(error.response, action) from error
    except (errors.BotoCoreError, ValueError) as error:  # ValueError: an endpoint that is no address
        raise OutsideFailed(
            f"AWS was not reached: {type(error).__name__}",
            where=action,
            hint="see network, region and endpoint (AWS_REGION, AWS_ENDPOINT_URL)",
            retry_may_help=isinstance(error, errors.HTTPClientError),
        ) from error


def _said_no(response: Mapping[str, Any], action: str) -> BadUsage | Refused | OutsideFailed:
    """An answer that says no. AWS' own words are about names and rights, never about what stands in a definition."""
    code = str(response.get("Error", {}).get("Code", "unknown"))
    words = str(response.get("Error", {}).get("Message", ""))[:300]
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) or 0)
    what = f"{action.partition(':')[2]}: {code}" + (f": {words}" if words else "")
    if code.startswith(_WHO) or status in {401, 403}:
        if "Expired" in code or not code.startswith("AccessDenied"):
            hint = "log in again; see which account and role are meant: aws sts get-caller-identity"
        else:
            hint = f"the role needs {action}" + (
                " and iam:PassRole on the definition's roles" if "RegisterTask" in action else ""
            )
        return _Denied(what, where=action, hint=hint, retry_may_help=False)
    if code.startswith("ClusterNotFound"):
        return BadUsage("there is no such cluster", where=action, hint="see --cluster, region and account")
    if code.startswith(("ServiceNotFound", "ServiceNotActive")):
        return BadUsage("there is no such service", where=action, hint="see --service, region and account")
    if code.startswith(("ImageNotFound", "RepositoryNotFound")):
        return Refused(what, where=action, hint="push the image first; see its repository, digest and region")
    if "inactive" in words.lower() or "unable to describe task definition" in words.lower():
        hint = "it was unregistered meanwhile: update the service by hand to one that is ACTIVE, then try again"
        return Refused(what, where=action, hint=hint)
    if code.startswith(_MAY_PASS) or status >= 500:
        return OutsideFailed(what, where=action, hint="it may do it later; give the command again")
    return Refused(what, where=action, hint="AWS' words say what it does not take")


def _library() -> tuple[Any, Any]:
    try:
        import boto3
        import botocore
        import botocore.config
        import botocore.exceptions
    except ImportError as error:
        raise OutsideFailed(
            "deploying to ECS needs a library that is not installed",
            hint='pip install "creditrisk[aws]"',
            retry_may_help=False,
        ) from error
    return boto3, botocore


def _state(service: Mapping[str, Any], what: Placed) -> str:
    one = _of(service, what)
    if one is None:
        return "its deployment has not begun"
    others = sum(other["runningCount"] for other in service["deployments"] if other is not one)
    told = f"{one['runningCount']} of {one['desiredCount']} tasks run"
    told += f", {one['failedTasks']} failed" if one.get("failedTasks") else ""
    return told + (f", {others} of before still do" if others else "")


def _of(service: Mapping[str, Any], what: Placed) -> Mapping[str, Any] | None:
    """The deployment of this definition; where it has two, because it was put back, the one that is to stay."""
    mine = [one for one in service["deployments"] if _short(one["taskDefinition"]) == what.definition]
    return min(mine, key=lambda one: one["status"] != "PRIMARY", default=None)


def _last_event(service: Mapping[str, Any]) -> str:
    """ECS tells the newest first."""
    events = service.get("events") or [{}]
    return re.sub(r"^\(service \S+\) ", "", str(events[0].get("message", "")))


def _short(definition: str) -> str:
    """family:revision of an ARN; what is that already stays."""
    return definition.rpartition("task-definition/")[2] or definition


def _paths(value: Any, at: str = "") -> Iterator[str]:
    """Where values stand, list positions left out."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if inner is None:  # boto3 leaves it out
                continue
            yield f"{at}.{name}" if at else str(name)
            yield from _paths(inner, f"{at}.{name}" if at else str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner, at)
