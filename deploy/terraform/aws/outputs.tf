output "url_host" {
  description = "Where the API answers; point the certificate's name here."
  value       = module.load_balancer.dns_name
}

output "bucket" {
  description = "For DVC_REMOTE_URL (s3://BUCKET/dvc) and MLflow's artefacts (s3://BUCKET/mlflow)."
  value       = module.bucket.name
}

output "repositories" {
  description = "Where images are pushed, by name."
  value       = module.registry.urls
}

output "secrets" {
  description = "Names of the secrets that wait for a value."
  value       = module.secrets.names
}

output "database_endpoint" {
  description = "Host and port of Postgres, for the secret decisions-url."
  value       = module.database.endpoint
}

output "database_master_secret" {
  description = "Secret in which AWS itself keeps and rotates the master password."
  value       = module.database.master_secret_arn
}

output "deploy_role" {
  description = "Role that workflows take by OIDC (role-to-assume)."
  value       = module.roles.deploy_role_arn
}

output "cluster" {
  description = "For creditrisk deploy ecs."
  value       = module.service.cluster_name
}

output "service" {
  description = "For creditrisk deploy ecs."
  value       = module.service.name
}

output "dashboard" {
  description = "Name of the CloudWatch dashboard."
  value       = module.observability.dashboard
}
