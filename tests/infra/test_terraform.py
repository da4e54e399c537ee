"""deploy/terraform, run by Terraform itself: providers are stubs that know the real ones' schemas and no cloud."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import boto3
import pytest

from creditrisk.monitoring.figures import MEANINGS
from tests.support.components import require
from tests.support.stores import RunningStore, running_s3
from tests.support.terraform import DEPLOY, ROOT, STUB, Terraform, copy_of, mirror, standing

CLOUDS = ("aws", "gcp")
EXAMPLES = [(path.parts[-3], path.stem) for path in sorted(DEPLOY.glob("*/examples/*.tfvars"))]
ANYBODY = {"0.0.0.0/0", "::/0"}

Resource = dict[str, Any]


@pytest.fixture(scope="session")
def from_mirror(tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """Terraform that starts its providers itself, as on a desk."""
    folder = tmp_path_factory.mktemp("providers")
    home = tmp_path_factory.mktemp("home")
    return Terraform(require("terraform"), mirror(folder, tool("python")), home)


@pytest.fixture(scope="session")
def terraform(from_mirror: Terraform, tool: Callable[[str], str]) -> Iterator[Terraform]:
    """The same with providers that stand already, which is several times as fast."""
    with standing(tool("python"), from_mirror.home) as told:
        yield Terraform(from_mirror.program, from_mirror.settings, from_mirror.home, told)


@pytest.fixture(scope="session")
def initialised(from_mirror: Terraform, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """initialised("aws") -> a copy of deploy/terraform/aws after init: modules and providers were found."""
    done: dict[str, Path] = {}

    def get(cloud: str) -> Path:
        if cloud not in done:
            folder = copy_of(cloud, tmp_path_factory.mktemp(f"terraform-{cloud}"))
            (folder / "override.tf").write_text('terraform {\n  backend "local" {}\n}\n', encoding="utf-8")
            from_mirror.must(folder, "init")
            done[cloud] = folder
        return done[cloud]

    return get


@pytest.fixture(scope="session")
def planned(terraform: Terraform, initialised: Callable[[str], Path]) -> Callable[[str, str], list[Resource]]:
    """planned("aws", "production") -> every resource that the example would make, as the plan tells it."""
    done: dict[tuple[str, str], list[Resource]] = {}

    def get(cloud: str, example: str) -> list[Resource]:
        if (cloud, example) not in done:
            folder = initialised(cloud)
            terraform.must(folder, "plan", f"-var-file=examples/{example}.tfvars", f"-out={example}.tfplan")
            told = terraform.answer(folder, "show", "-json", f"{example}.tfplan")
            done[cloud, example] = list(resources_of(told["planned_values"]["root_module"]))
        return done[cloud, example]

    return get


def resources_of(module: dict[str, Any]) -> Iterator[Resource]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from resources_of(child)


def of_type(resources: list[Resource], kind: str) -> list[dict[str, Any]]:
    return [resource["values"] for resource in resources if resource["type"] == kind]


# --- Terraform's own checks ---


def test_every_file_is_written_as_terraform_writes_it(from_mirror: Terraform) -> None:
    done = from_mirror.run(DEPLOY, "fmt", "-check", "-recursive", "-diff")
    assert done.returncode == 0, f"terraform fmt -recursive deploy/terraform\n{done.stdout}"


@pytest.mark.parametrize("cloud", CLOUDS)
def test_it_is_valid(cloud: str, terraform: Terraform, initialised: Callable[[str], Path]) -> None:
    told = json.loads(terraform.run(initialised(cloud), "validate", "-json").stdout)
    assert told["valid"], told["diagnostics"]
    assert told["warning_count"] == 0, told["diagnostics"]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_its_own_tests_pass(cloud: str, terraform: Terraform, initialised: Callable[[str], Path]) -> None:
    done = terraform.run(initialised(cloud), "test", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Success! 1[0-9] passed, 0 failed", done.stdout), done.stdout


MISTAKES = [
    ("versioning_configuration {", "versioning_konfiguration {", 'Blocks of type "versioning_konfiguration" are not'),
    ("force_destroy = var.destroyable", "force_destroyed = var.destroyable", 'Did you mean "force_destroy"?'),
    ('status = "Enabled"', "", 'The argument "status" is required'),
    ("block_public_acls       = true", 'block_public_acls = "perhaps"', "a bool is required"),
]


def test_what_the_provider_does_not_know_is_refused(
    from_mirror: Terraform, terraform: Terraform, tmp_path: Path
) -> None:
    """The stub can fail: a wrong name, a missing argument and a wrong type are found, as with the real provider."""
    module = tmp_path / "bucket"
    shutil.copytree(DEPLOY / "aws" / "modules" / "bucket", module)
    from_mirror.must(module, "init")
    from_mirror.must(module, "validate")
    text = (module / "main.tf").read_text(encoding="utf-8")
    for instead_of, written, told in MISTAKES:
        assert instead_of in text
        (module / "main.tf").write_text(text.replace(instead_of, written, 1), encoding="utf-8")
        done = terraform.run(module, "validate", "-no-color")
        assert done.returncode == 1, told
        assert told in " ".join(done.stderr.split())


# --- What the examples would make ---


@pytest.mark.parametrize(("cloud", "example"), EXAMPLES)
def test_an_example_opens_nothing_to_everybody(
    cloud: str, example: str, planned: Callable[[str, str], list[Resource]]
) -> None:
    resources = planned(cloud, example)
    assert len(resources) > 50
    incoming = of_type(resources, "aws_vpc_security_group_ingress_rule")
    assert not [told for told in incoming if {told["cidr_ipv4"], told["cidr_ipv6"]} & ANYBODY]
    assert not [told for group in of_type(resources, "aws_security_group") for told in group.get("ingress") or []]
    rules = of_type(resources, "google_compute_firewall")
    assert not [rule["name"] for rule in rules if rule["allow"] and ANYBODY & set(rule["source_ranges"])]
    assert {port for rule in rules for told in rule["allow"] for port in told["ports"]} <= {"22", "443"}
    members = [told["values"].get("member") for told in resources if "_iam_" in told["type"]]
    assert not {"allUsers", "allAuthenticatedUsers"} & set(members)


@pytest.mark.parametrize(("cloud", "example"), EXAMPLES)
def test_an_example_puts_no_secret_into_the_state(
    cloud: str, example: str, planned: Callable[[str, str], list[Resource]]
) -> None:
    holding = {
        "aws_secretsmanager_secret_version", "aws_iam_access_key", "google_secret_manager_secret_version",
        "google_service_account_key", "random_password", "tls_private_key",
    }  # fmt: skip
    resources = planned(cloud, example)
    assert not {told["type"] for told in resources} & holding
    kinds = {told["type"] for told in resources}
    assert {"aws_secretsmanager_secret", "google_secret_manager_secret"} & kinds
    asks = re.compile(r'variable "[^"]*(password|token|secret|private_key)[^"]*"')
    assert not [path for path in (DEPLOY / cloud).glob("*.tf") if asks.search(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("example", [name for cloud, name in EXAMPLES if cloud == "gcp"])
def test_no_account_gets_a_role_for_everything(example: str, planned: Callable[[str, str], list[Resource]]) -> None:
    roles = {told["values"]["role"] for told in planned("gcp", example) if told["values"].get("role")}
    assert roles <= {
        "roles/artifactregistry.reader", "roles/artifactregistry.writer", "roles/compute.osAdminLogin",
        "roles/iam.serviceAccountUser", "roles/iam.workloadIdentityUser", "roles/iap.tunnelResourceAccessor",
        "roles/logging.logWriter", "roles/monitoring.metricWriter", "roles/run.invoker",
        "roles/secretmanager.secretAccessor", "roles/storage.objectUser",
    }  # fmt: skip


def test_cloud_run_is_made_when_asked_for(planned: Callable[[str, str], list[Resource]]) -> None:
    assert not of_type(planned("gcp", "machine"), "google_cloud_run_v2_service")
    assert len(of_type(planned("gcp", "cloud-run"), "google_cloud_run_v2_service")) == 1


def test_alarms_and_dashboard_ask_for_figures_that_are_sent(planned: Callable[[str, str], list[Resource]]) -> None:
    """By the names that the CloudWatch sink gives them, times as ages."""
    sent = {f"creditrisk_{name}".replace("_timestamp_seconds", "_age_seconds") for name in MEANINGS}
    resources = planned("aws", "production")
    alarms = of_type(resources, "aws_cloudwatch_metric_alarm")
    names = {alarm["metric_name"] for alarm in alarms if alarm["namespace"] == "CreditRisk"}
    queries = [query["expression"] for alarm in alarms for query in alarm["metric_query"]]
    asked = names | set(re.findall(r'"(creditrisk_\w+)"', " ".join(queries)))
    module = (DEPLOY / "aws" / "modules" / "observability" / "main.tf").read_text(encoding="utf-8")
    searched = dict(re.findall(r"^ +(creditrisk_\w+) += \"([\w,]+)\"$", module, re.MULTILINE))
    assert len(asked) == 6
    assert len(searched) == 6
    assert asked | set(searched) <= sent
    for labels in searched.values():
        assert labels.split(",") == sorted(labels.split(","))
        assert "book" in labels.split(",")


# --- Init, plan, apply and destroy by make, the state in a bucket ---


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with running_s3(tmp_path_factory.mktemp("moto")) as store:
        yield store


def test_make_plans_asks_applies_and_destroys(
    terraform: Terraform, from_mirror: Terraform, aws: RunningStore, tmp_path: Path
) -> None:
    """With the state in a bucket; what was applied is then shown to a stand-in for AWS."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Makefile", tmp_path)
    folder = copy_of("aws", tmp_path / "deploy" / "terraform")
    credentials = {name: value for name, value in aws.variables.items() if name != "AWS_ENDPOINT_URL"}

    def make(act: str, *, using: Terraform = terraform, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**using.environment(), **credentials, "AWS_ENDPOINT_URL_S3": aws.url, **variables}
        return subprocess.run(
            ["make", "--no-print-directory", f"terraform-{act}", "CLOUD=aws"],
            cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip

    assert "copy backend.hcl.example" in make("init").stderr
    (folder / "backend.hcl").write_text(
        'bucket = "lender"\nkey = "state/aws.tfstate"\nregion = "us-east-1"\n'
        "use_lockfile = true\nuse_path_style = true\n"
        "skip_credentials_validation = true\nskip_metadata_api_check = true\nskip_requesting_account_id = true\n",
        encoding="utf-8",
    )
    done = make("init", using=from_mirror)
    assert done.returncode == 0, done.stderr
    assert "copy one of examples/" in make("plan").stderr
    shutil.copy(folder / "examples" / "first-apply.tfvars", folder / "terraform.tfvars")
    assert "make terraform-plan CLOUD=aws comes first" in make("apply").stderr
    done = make("plan")
    assert done.returncode == 0, done.stderr

    refused = make("apply")
    assert refused.returncode != 0
    assert "Plan: 9" in refused.stdout
    assert "nothing was done" in refused.stderr
    assert not stored(aws)
    done = make("plan")
    assert done.returncode == 0, done.stderr
    done = make("apply", CONFIRM="yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Apply complete! Resources: \d\d added, 0 changed, 0 destroyed", done.stdout)
    assert not (folder / "creditrisk.tfplan").exists()
    state = stored(aws)
    assert len(state["resources"]) > 50

    done = make("plan")
    assert "No changes." in done.stdout, done.stdout
    taken_by_aws(aws, state)
    no_star_in(state)

    refused = make("destroy")
    assert refused.returncode != 0
    assert "nothing was done" in refused.stderr
    assert stored(aws)["serial"] == state["serial"]
    done = make("destroy", CONFIRM="yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert stored(aws)["resources"] == []


def stored(aws: RunningStore) -> dict[str, Any]:
    """The state in the bucket; empty when there is none."""
    with aws.environment():
        client = boto3.session.Session().client("s3")
        held = [told["Key"] for told in client.list_objects_v2(Bucket="lender").get("Contents", [])]
        assert not [key for key in held if key.endswith(".tflock")]
        if "state/aws.tfstate" not in held:
            return {}
        body: bytes = client.get_object(Bucket="lender", Key="state/aws.tfstate")["Body"].read()
    told: dict[str, Any] = json.loads(body)
    return told


def taken_by_aws(aws: RunningStore, state: dict[str, Any]) -> None:
    """What is a document inside a document is not in any schema: moto reads policies, tasks, alarms and dashboard."""

    def made(kind: str) -> list[dict[str, Any]]:
        found = [resource for resource in state["resources"] if resource["type"] == kind]
        return [instance["attributes"] for resource in found for instance in resource["instances"]]

    with aws.environment():
        session = boto3.session.Session()
        iam, ecs, watch = session.client("iam"), session.client("ecs"), session.client("cloudwatch")
        for role in made("aws_iam_role"):
            iam.create_role(RoleName=role["name"], AssumeRolePolicyDocument=role["assume_role_policy"])
        for number, policy in enumerate(made("aws_iam_role_policy")):
            iam.create_policy(PolicyName=f"policy-{number}", PolicyDocument=policy["policy"])
        [task] = made("aws_ecs_task_definition")
        told = ecs.register_task_definition(
            family=task["family"], networkMode=task["network_mode"], cpu=task["cpu"], memory=task["memory"],
            requiresCompatibilities=task["requires_compatibilities"], taskRoleArn=task["task_role_arn"],
            executionRoleArn=task["execution_role_arn"], containerDefinitions=json.loads(task["container_definitions"]),
        )  # fmt: skip
        [container] = told["taskDefinition"]["containerDefinitions"]
        assert container["name"] == "api"
        [dashboard] = made("aws_cloudwatch_dashboard")
        watch.put_dashboard(DashboardName=dashboard["dashboard_name"], DashboardBody=dashboard["dashboard_body"])
        assert len(json.loads(dashboard["dashboard_body"])["widgets"]) == 10
        assert len(made("aws_iam_role_policy")) >= 4


def no_star_in(state: dict[str, Any]) -> None:
    """No policy of any kind allows an action with a star, or everybody."""
    seen = 0
    for resource in state["resources"]:
        for instance in resource["instances"]:
            documents = [instance["attributes"].get(key) for key in ("policy", "assume_role_policy")]
            for document in documents if resource["type"] != "aws_ecr_lifecycle_policy" else []:
                for statement in json.loads(document)["Statement"] if (document or "").startswith("{") else []:
                    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                    if statement["Effect"] == "Allow":
                        assert not [action for action in actions if "*" in action], resource
                        assert statement.get("Principal") != "*", resource
                        seen += 1
    assert seen > 25


# --- The machine's start-up script ---

STARTUP = DEPLOY / "gcp" / "modules" / "machine" / "startup.sh"
TOKEN = "ya29.invented-token"
SECRETS = {"api_keys": "underwriting score 0f0f", "postgres_password": "invented: $HOME `id` 'quoted'"}

STUBS = {
    # Google: attributes, token, secrets and objects are files of the folder `cloud`; a missing one is a 404.
    "curl": """
url= out=/dev/stdout signed=
while [ $# -gt 0 ]; do
  case $1 in
  -o) out=$2; shift ;;
  -H) [ "$2" = @- ] && { read -r signed; } ; shift ;;
  --retry) shift ;;
  http*) url=$1 ;;
  esac
  shift
done
case $url in
http://metadata.google.internal/*) ;;
*) [ "$signed" = "Authorization: Bearer TOKEN" ] || exit 22 ;;
esac
file=$CLOUD/$(printf %s "${url#*://}" | tr '/?:=%' '_____')
[ -f "$file" ] || { echo "curl: (22) 404" >&2; exit 22; }
cat "$file" >"$out"
""".replace("TOKEN", TOKEN),
    "mountpoint": '[ -e "$CLOUD/../mounted" ]',
    "blkid": '[ -e "$CLOUD/../formatted" ]',
    "mkfs.ext4": 'touch "$CLOUD/../formatted"',
    "mount": 'touch "$CLOUD/../mounted"',
    "docker": '[ -e "$CLOUD/../installed" ]',
    "dockerd": ":",
    "apt-get": 'case $* in *install*) touch "$CLOUD/../installed" ;; esac',
    "systemctl": ":", "usermod": ":", "chown": ":",
    "id": '[ -e "$CLOUD/../user" ]',
    "useradd": 'touch "$CLOUD/../user"',
}  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """Where the script runs: its own /etc, /opt, /run, /home, /var/lib and /usr/local/bin; the rest is the host's."""

    folder: Path

    OWN = ("etc", "opt", "run", "home", "var/lib", "usr/local/bin")

    def __post_init__(self) -> None:
        programs = self.folder / "programs"
        for place in (*self.OWN, "programs", "cloud"):
            (self.folder / place).mkdir(parents=True)
        for name in ("fstab", "environment"):
            (self.folder / "etc" / name).touch()
        log = f'printf "%s\\n" "$(basename "$0") $*" >>"{self.folder}/calls"\n'
        for name, does in STUBS.items():
            (programs / name).write_text(f"#!/bin/sh\n{log}{does}\n", encoding="utf-8")
            (programs / name).chmod(0o755)
        attributes = {
            "instance_attributes_creditrisk-release": "gs://example/release",
            "instance_attributes_creditrisk-registry": "europe-west3-docker.pkg.dev",
            "instance_attributes_creditrisk-secret-prefix": "creditrisk-",
            "instance_attributes_creditrisk-secrets": " ".join(SECRETS),
            "instance_attributes_creditrisk-deploy-public-key": "ssh-ed25519 AAAA deploy",
            "instance_service-accounts_default_token": json.dumps({"access_token": TOKEN, "expires_in": 3599}),
            "project_project-id": "example",
        }
        for name, value in attributes.items():
            self.in_cloud(f"metadata.google.internal_computeMetadata_v1_{name}", value.encode())

    def in_cloud(self, name: str, value: bytes) -> None:
        (self.folder / "cloud" / name).write_bytes(value)

    def put_secret(self, name: str) -> None:
        told = {"name": name, "payload": {"data": base64.b64encode(SECRETS[name].encode()).decode(), "dataCrc32c": "1"}}
        address = f"secretmanager.googleapis.com_v1_projects_example_secrets_creditrisk-{name}_versions_latest_access"
        self.in_cloud(address, json.dumps(told, indent=1).encode())

    def put_release(self) -> None:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            told = tarfile.TarInfo("deploy/compose/compose.yaml")
            told.size = 3
            archive.addfile(told, io.BytesIO(b"{}\n"))
        self.in_cloud(
            "storage.googleapis.com_storage_v1_b_example_o_release_2Fdeploy.tar.gz_alt_media", packed.getvalue()
        )
        self.in_cloud(
            "storage.googleapis.com_storage_v1_b_example_o_release_2Fenv_alt_media", b"CREDITRISK_API_IMAGE=a@1\n"
        )

    def start(self) -> subprocess.CompletedProcess[str]:
        (self.folder / "calls").write_text("", encoding="utf-8")
        binds = "".join(f'mount --bind "{self.folder}/{place}" /{place}\n' for place in self.OWN)
        inside = (
            f'set -e\n{binds}export PATH="{self.folder}/programs:/usr/sbin:/usr/bin:/sbin:/bin"\nexec bash "{STARTUP}"'
        )
        return subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c", inside],
            env={"PATH": os.environ["PATH"], "CLOUD": str(self.folder / "cloud")}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text(encoding="utf-8").splitlines()


def test_the_start_up_script_reads_well() -> None:
    scripts = [STARTUP, ROOT / "scripts" / "terraform.sh"]
    done = subprocess.run(
        [require("shellcheck"), "-x", *map(str, scripts)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_machine_starts_once_everything_is_there_and_twice_changes_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "machine")
    machine.put_secret("api_keys")
    done = machine.start()
    assert done.returncode == 1, done.stderr
    assert "no value yet: creditrisk-postgres_password" in done.stdout
    machine.put_secret("postgres_password")
    done = machine.start()
    assert done.returncode == 1, done.stderr
    assert "no release yet: gcloud storage cp deploy.tar.gz gs://example/release/" in done.stdout
    assert not [call for call in machine.calls() if call.startswith("docker compose --profile")]

    machine.put_release()
    done = machine.start()
    assert done.returncode == 0, done.stdout + done.stderr
    stack = machine.folder / "opt" / "creditrisk" / "deploy" / "compose"
    for name, value in SECRETS.items():
        assert (machine.folder / "run" / "creditrisk" / "secrets" / name).read_text(encoding="utf-8") == value
    assert os.readlink(stack / "secrets") == "/run/creditrisk/secrets"
    assert (machine.folder / "home" / "deploy" / ".ssh" / "authorized_keys").read_text() == "ssh-ed25519 AAAA deploy\n"
    up = [call for call in machine.calls() if " up " in call]
    assert up == ["docker compose --profile core --profile serve up --detach --no-build --remove-orphans --wait "
                  "--wait-timeout 600"]  # fmt: skip
    told = done.stdout + done.stderr + "".join(machine.calls())
    assert not [word for word in (TOKEN, *SECRETS.values()) if word in told], "a secret on a command line or in the log"

    (stack / ".env").write_text("CREDITRISK_API_IMAGE=b@2\n", encoding="utf-8")  # as creditrisk deploy vm does
    fstab = (machine.folder / "etc" / "fstab").read_bytes()
    assert fstab.count(b"\n") == 1
    done = machine.start()
    assert done.returncode == 0, done.stdout + done.stderr
    assert (stack / ".env").read_text(encoding="utf-8") == "CREDITRISK_API_IMAGE=b@2\n"
    assert (machine.folder / "etc" / "fstab").read_bytes() == fstab
    programs = {call.split()[0] for call in machine.calls()}
    assert not programs & {"mkfs.ext4", "apt-get", "mount", "useradd"}


def test_images_are_pulled_with_a_token_of_the_moment(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "machine")
    machine.start()
    told = json.loads((machine.folder / "etc" / "creditrisk" / "docker" / "config.json").read_text(encoding="utf-8"))
    assert told == {"credHelpers": {"europe-west3-docker.pkg.dev": "creditrisk"}}
    helper = machine.folder / "usr" / "local" / "bin" / "docker-credential-creditrisk"
    environment = {"PATH": f"{machine.folder}/programs:/usr/bin:/bin", "CLOUD": str(machine.folder / "cloud")}
    asked = subprocess.run(
        [str(helper), "get"], env=environment, capture_output=True, text=True, timeout=30, check=True
    )
    assert json.loads(asked.stdout) == {"Username": "oauth2accesstoken", "Secret": TOKEN}


# --- Checkov ---


@pytest.fixture(scope="module", autouse=True)
def checkov() -> Iterator[subprocess.Popen[str]]:
    """Started first and asked last: it takes as long as all other tests here."""
    made = subprocess.run([str(ROOT / "scripts" / "tool_environment.sh"), "checkov"], timeout=300, check=False)
    assert made.returncode == 0
    program = ROOT / ".cache" / "env" / "checkov" / "bin" / "checkov"
    command = [str(program), "-d", str(DEPLOY), "--framework", "terraform", "--skip-download", "-o", "json"]
    environment = {**os.environ, "LOG_LEVEL": "ERROR"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_checkov_finds_nothing_that_is_not_explained_in_place(checkov: subprocess.Popen[str]) -> None:
    """Without an account of its makers' it has no severities, so every failed check counts as a high one."""
    told = json.loads(checkov.communicate(timeout=300)[0])
    failed = [f"{found['check_id']} {found['resource']}" for found in told["results"]["failed_checks"]]
    assert failed == []
    assert told["results"]["parsing_errors"] == []
    assert told["summary"]["passed"] > 200
    unexplained = [
        f"{path.relative_to(DEPLOY)}: {line.strip()}"
        for path in sorted(DEPLOY.rglob("*.tf"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if "checkov:skip" in line and not re.search(r"#checkov:skip=CKV2?_[A-Z]+_\d+: .{15,}", line)
    ]  # fmt: skip
    assert unexplained == []


# --- The stubs' schemas ---


def test_schemas_hold_what_the_resources_need_and_no_words_of_the_providers() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(DEPLOY.rglob("*.tf")))
    used = set(re.findall(r'^(?:resource|data) "(\w+)"', text, re.MULTILINE))
    told = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((STUB / "schemas").glob("*.json"))]
    known = set(chain.from_iterable(schema["resources"] | schema["data_sources"] for schema in told))
    assert known == used, "python tests/infra/terraform/make_schemas.py"
    for block in chain.from_iterable(blocks_in(one) for schema in told for one in schema["resources"].values()):
        assert set(block) <= {"attributes", "blocks", "nesting", "min", "max"}
        for name, (_, mode) in block["attributes"].items():
            assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
            assert mode in {"required", "optional", "computed", "optional computed"}


def blocks_in(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield block
    for inner in block.get("blocks", {}).values():
        yield from blocks_in(inner)
