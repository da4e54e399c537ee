# One machine for everything, in one project: README.md beside this file says in which order it comes to life.

locals {
  name = "creditrisk"

  # Files in deploy/compose/secrets on the machine; the values are put by hand and never pass through Terraform.
  machine_secrets = [
    "airflow_database_password", "airflow_database_url", "airflow_fernet_key", "airflow_jwt_secret", "airflow_passwords",
    "api_keys", "decisions_database_password", "decisions_url", "grafana_admin_password", "mlflow_admin_password",
    "mlflow_database_password", "mlflow_session_key", "payload_key", "postgres_password", "prometheus_key", "signing_key",
  ]

  # Cloud Run reads these as variables of the environment.
  run_secrets = {
    CREDITRISK_DECISIONS_URL = "run_decisions_url"
    CREDITRISK_API_KEYS      = "run_api_keys"
    CREDITRISK_PAYLOAD_KEY   = "run_payload_key"
    CREDITRISK_SIGNING_KEY   = "run_signing_key"
    MLFLOW_TRACKING_USERNAME = "run_mlflow_username"
    MLFLOW_TRACKING_PASSWORD = "run_mlflow_password"
  }

  with_run = var.cloud_run != null
}

module "services" {
  source     = "./modules/services"
  project_id = var.project_id
  names = concat(
    [
      "artifactregistry.googleapis.com", "compute.googleapis.com", "iam.googleapis.com", "iamcredentials.googleapis.com",
      "iap.googleapis.com", "logging.googleapis.com", "monitoring.googleapis.com", "oslogin.googleapis.com",
      "secretmanager.googleapis.com", "storage.googleapis.com", "sts.googleapis.com",
    ],
    local.with_run ? ["run.googleapis.com"] : [],
  )
}

module "accounts" {
  source             = "./modules/accounts"
  project_id         = var.project_id
  name               = local.name
  with_run           = local.with_run
  github_repository  = var.github_repository
  github_environment = var.environment
  depends_on         = [module.services]
}

module "bucket" {
  source      = "./modules/bucket"
  name        = var.bucket_name
  project_id  = var.project_id
  location    = var.region
  destroyable = !var.protected
  members = {
    machine = { role = "roles/storage.objectUser", member = module.accounts.machine_member }
    deploy  = { role = "roles/storage.objectUser", member = module.accounts.deploy_member }
  }
  depends_on = [module.services]
}

module "registry" {
  source     = "./modules/registry"
  project_id = var.project_id
  region     = var.region
  name       = local.name
  readers    = merge({ machine = module.accounts.machine_member }, local.with_run ? { run = module.accounts.run_member } : {})
  writers    = { deploy = module.accounts.deploy_member }
  depends_on = [module.services]
}

module "network" {
  source            = "./modules/network"
  name              = local.name
  project_id        = var.project_id
  region            = var.region
  cidr              = var.subnet_cidr
  machine_tag       = "creditrisk-machine"
  api_allowed_cidrs = var.api_allowed_cidrs
  api_port          = 443
  depends_on        = [module.services]
}

module "secrets" {
  source     = "./modules/secrets"
  project_id = var.project_id
  region     = var.region
  prefix     = local.name
  readers = merge(
    { for name in local.machine_secrets : name => { machine = module.accounts.machine_member } },
    local.with_run ? { for name in values(local.run_secrets) : name => { run = module.accounts.run_member } } : {},
  )
  depends_on = [module.services]
}

module "machine" {
  source                = "./modules/machine"
  name                  = local.name
  project_id            = var.project_id
  region                = var.region
  zone                  = var.zone
  machine_type          = var.machine_type
  data_disk_gb          = var.data_disk_gb
  tag                   = "creditrisk-machine"
  subnetwork_id         = module.network.subnetwork_id
  service_account_email = module.accounts.machine_email
  service_account_name  = module.accounts.machine_name
  bucket_name           = module.bucket.name
  registry_host         = module.registry.host
  secret_prefix         = local.name
  secret_ids            = { for name in local.machine_secrets : name => module.secrets.ids[name] }
  deploy_public_key     = var.deploy_public_key
  tunnel_members        = var.tunnel_members
  protected             = var.protected
}

module "run" {
  source                = "./modules/run"
  count                 = local.with_run ? 1 : 0
  name                  = "creditrisk-api"
  project_id            = var.project_id
  region                = var.region
  image                 = var.cloud_run.image
  args                  = ["serve", var.cloud_run.book, "--workspace", "/workspace", "--host", "0.0.0.0", "--port", "8080"]
  port                  = 8080
  health_path           = "/health"
  instances_max         = var.cloud_run.instances_max
  service_account_email = module.accounts.run_email
  subnetwork_name       = module.network.subnetwork_name
  secrets               = { for variable, name in local.run_secrets : variable => module.secrets.ids[name] }
  invokers              = var.cloud_run.invokers
  protected             = var.protected
  environment = {
    MODEL_ALIAS              = "production"
    MLFLOW_TRACKING_URI      = var.cloud_run.mlflow_tracking_uri
    MLFLOW_DISABLE_TELEMETRY = "true"
  }
}
