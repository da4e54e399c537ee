# Everything the decision service needs in one account: README.md beside this file says in which order it comes to life.

locals {
  name = "creditrisk"

  # The task reads these; their values are put by hand and never pass through Terraform.
  secrets = {
    CREDITRISK_DECISIONS_URL = "decisions-url"
    CREDITRISK_API_KEYS      = "api-keys"
    CREDITRISK_PAYLOAD_KEY   = "payload-key"
    CREDITRISK_SIGNING_KEY   = "signing-key"
    MLFLOW_TRACKING_USERNAME = "mlflow-username"
    MLFLOW_TRACKING_PASSWORD = "mlflow-password"
  }
}

module "key" {
  source     = "./modules/key"
  name       = local.name
  account_id = var.account_id
  region     = var.region
}

module "bucket" {
  source      = "./modules/bucket"
  name        = var.bucket_name
  key_arn     = module.key.arn
  account_id  = var.account_id
  destroyable = !var.protected
}

module "registry" {
  source  = "./modules/registry"
  names   = ["creditrisk-api", "creditrisk-batch", "creditrisk-airflow", "creditrisk-mlflow"]
  key_arn = module.key.arn
}

module "network" {
  source             = "./modules/network"
  name               = local.name
  cidr               = var.vpc_cidr
  region             = var.region
  availability_zones = var.availability_zones
  key_arn            = module.key.arn
  log_retention_days = var.log_retention_days
}

module "secrets" {
  source  = "./modules/secrets"
  prefix  = local.name
  names   = values(local.secrets)
  key_arn = module.key.arn
}

module "roles" {
  source                   = "./modules/roles"
  name                     = local.name
  account_id               = var.account_id
  region                   = var.region
  bucket_arn               = module.bucket.arn
  repository_arns          = values(module.registry.arns)
  secret_arns              = values(module.secrets.arns)
  key_arn                  = module.key.arn
  log_group_arn            = module.service.log_group_arn
  cluster_name             = local.name
  service_name             = "creditrisk-api"
  metric_namespace         = "CreditRisk"
  github_repository        = var.github_repository
  github_environment       = var.environment
  github_oidc_provider_arn = var.github_oidc_provider_arn
}

module "load_balancer" {
  source          = "./modules/load_balancer"
  name            = local.name
  service_name    = "creditrisk-api"
  port            = 8080
  health_path     = "/health"
  vpc_cidr        = var.vpc_cidr
  account_id      = var.account_id
  public          = var.public
  vpc_id          = module.network.vpc_id
  subnet_ids      = var.public ? module.network.public_subnet_ids : module.network.private_subnet_ids
  allowed_cidrs   = var.allowed_cidrs
  certificate_arn = var.certificate_arn
  log_bucket_name = "${var.bucket_name}-access"
  protected       = var.protected
}

module "database" {
  source             = "./modules/database"
  name               = local.name
  vpc_id             = module.network.vpc_id
  subnet_ids         = module.network.private_subnet_ids
  client_group_id    = module.service.security_group_id
  instance_class     = var.database_instance_class
  key_arn            = module.key.arn
  protected          = var.protected
  log_retention_days = var.log_retention_days
}

module "service" {
  source             = "./modules/service"
  cluster_name       = local.name
  name               = "creditrisk-api"
  container          = "api"
  port               = 8080
  health_path        = "/health"
  region             = var.region
  image              = var.image
  command            = ["serve", var.book, "--workspace", "/workspace", "--host", "0.0.0.0", "--port", "8080"]
  desired_count      = var.desired_count
  cpu                = var.cpu
  memory             = var.memory
  vpc_id             = module.network.vpc_id
  vpc_cidr           = var.vpc_cidr
  subnet_ids         = module.network.private_subnet_ids
  balancer_group_id  = module.load_balancer.security_group_id
  target_group_arn   = module.load_balancer.target_group_arn
  task_role_arn      = module.roles.task_role_arn
  execution_role_arn = module.roles.execution_role_arn
  key_arn            = module.key.arn
  log_retention_days = var.log_retention_days
  secrets            = { for variable, name in local.secrets : variable => module.secrets.arns[name] }
  environment = {
    MODEL_ALIAS                     = "production"
    MLFLOW_TRACKING_URI             = var.mlflow_tracking_uri
    MLFLOW_DISABLE_TELEMETRY        = "true"
    CREDITRISK_CLOUDWATCH_NAMESPACE = "CreditRisk"
    AWS_DEFAULT_REGION              = var.region
  }
}

module "observability" {
  source               = "./modules/observability"
  name                 = local.name
  region               = var.region
  book                 = var.book
  metric_namespace     = "CreditRisk"
  cluster_name         = local.name
  service_name         = "creditrisk-api"
  load_balancer_suffix = module.load_balancer.arn_suffix
  target_group_suffix  = module.load_balancer.target_group_arn_suffix
  database_identifier  = module.database.identifier
  desired_count        = var.desired_count
  key_arn              = module.key.arn
  alarm_emails         = var.alarm_emails
}
