output "bucket" {
  description = "For DVC_REMOTE_URL (gs://BUCKET/dvc), MLflow's artefacts (gs://BUCKET/mlflow) and releases (gs://BUCKET/release)."
  value       = module.bucket.name
}

output "registry" {
  description = "Where images are pushed."
  value       = module.registry.url
}

output "secrets" {
  description = "Secrets that wait for a value."
  value       = sort(values(module.secrets.ids))
}

output "machine" {
  description = "Name of the machine, for gcloud compute ssh."
  value       = module.machine.name
}

output "machine_address" {
  description = "Its private address."
  value       = module.machine.address
}

output "tunnel" {
  description = "Brings MLflow, Airflow and the API to this desk, at 5000, 8088 and 8080 of loopback."
  value       = "gcloud compute ssh ${module.machine.name} --project ${var.project_id} --zone ${var.zone} --tunnel-through-iap -- -N -L 5000:127.0.0.1:5000 -L 8088:127.0.0.1:8088 -L 8080:127.0.0.1:8080"
}

output "deploy_account" {
  description = "Account that workflows act as."
  value       = module.accounts.deploy_email
}

output "github_provider" {
  description = "Workload identity provider that workflows name."
  value       = module.accounts.github_provider
}

output "cloud_run_url" {
  description = "Where the API answers on Cloud Run; null without it."
  value       = one(module.run[*].url)
}
