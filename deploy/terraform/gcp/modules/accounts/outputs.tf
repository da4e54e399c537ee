output "machine_email" {
  value = google_service_account.machine.email
}

output "machine_name" {
  value = google_service_account.machine.name
}

output "machine_member" {
  value = google_service_account.machine.member
}

output "run_email" {
  value = one(google_service_account.run[*].email)
}

output "run_member" {
  value = one(google_service_account.run[*].member)
}

output "deploy_email" {
  value = google_service_account.deploy.email
}

output "deploy_name" {
  value = google_service_account.deploy.name
}

output "deploy_member" {
  value = google_service_account.deploy.member
}

output "github_provider" {
  value = google_iam_workload_identity_pool_provider.github.name
}
