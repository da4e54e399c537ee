# Who acts: the machine, Cloud Run, and the workflows. None has a key that could be copied; the workflows bring a token of
# GitHub's that names repository and environment.

resource "google_service_account" "machine" {
  project      = var.project_id
  account_id   = "${var.name}-machine"
  display_name = "creditrisk: the machine with API, Airflow and MLflow"
}

resource "google_service_account" "run" {
  count        = var.with_run ? 1 : 0
  project      = var.project_id
  account_id   = "${var.name}-run"
  display_name = "creditrisk: the API on Cloud Run"
}

resource "google_service_account" "deploy" {
  project      = var.project_id
  account_id   = "${var.name}-deploy"
  display_name = "creditrisk: workflows of one environment of one repository"
}

# Its own logs and figures, nothing else of the project.
resource "google_project_iam_member" "machine" {
  for_each = toset(["roles/logging.logWriter", "roles/monitoring.metricWriter"])
  project  = var.project_id
  role     = each.key
  member   = google_service_account.machine.member
}

resource "google_iam_workload_identity_pool" "github" {
  project                   = var.project_id
  workload_identity_pool_id = "${var.name}-github"
  display_name              = "GitHub's workflows"
}

resource "google_iam_workload_identity_pool_provider" "github" {
  #checkov:skip=CKV_GCP_125: the subject is compared whole; the check cannot see through the variables, whose form is validated
  project                            = var.project_id
  workload_identity_pool_id          = google_iam_workload_identity_pool.github.workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.repository" = "assertion.repository"
  }
  attribute_condition = "assertion.sub == 'repo:${var.github_repository}:environment:${var.github_environment}'"

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account_iam_member" "github" {
  service_account_id = google_service_account.deploy.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.github.name}/subject/repo:${var.github_repository}:environment:${var.github_environment}"
}
