# Data at rest, and who may do what.

mock_provider "google" {
  # Addresses that other resources are checked against.
  mock_resource "google_service_account" {
    defaults = {
      email  = "mocked@example-creditrisk.iam.gserviceaccount.com"
      member = "serviceAccount:mocked@example-creditrisk.iam.gserviceaccount.com"
      name   = "projects/example-creditrisk/serviceAccounts/mocked@example-creditrisk.iam.gserviceaccount.com"
    }
  }
}

variables {
  project_id = "example-creditrisk"
  region     = "europe-west3"
}

run "the_bucket_keeps_versions_and_is_never_public" {
  command = apply
  module {
    source = "./modules/bucket"
  }
  variables {
    name        = "example-creditrisk"
    location    = "europe-west3"
    destroyable = false
    members     = { machine = { role = "roles/storage.objectUser", member = "serviceAccount:a@example.iam.gserviceaccount.com" } }
  }

  assert {
    condition     = google_storage_bucket.this.versioning[0].enabled
    error_message = "without versions, a file that was overwritten is lost"
  }
  assert {
    condition     = google_storage_bucket.this.public_access_prevention == "enforced" && google_storage_bucket.this.uniform_bucket_level_access
    error_message = "nothing is public, whatever a single object says"
  }
  assert {
    condition     = anytrue([for rule in google_storage_bucket.this.lifecycle_rule : one(rule.action).type == "Delete" && one(rule.condition).days_since_noncurrent_time == 365 && one(rule.condition).with_state == "ARCHIVED"])
    error_message = "former versions go after a year, and no version that is in use does"
  }
  assert {
    condition     = google_storage_bucket.this.force_destroy == false
    error_message = "a bucket with data is not deleted"
  }
}

run "secrets_are_names_with_readers" {
  command = apply
  module {
    source = "./modules/secrets"
  }
  variables {
    prefix  = "creditrisk"
    readers = { api_keys = { machine = "serviceAccount:a@example.iam.gserviceaccount.com" }, unused = {} }
  }

  assert {
    condition     = keys(google_secret_manager_secret_iam_member.readers) == ["api_keys/machine"] && google_secret_manager_secret_iam_member.readers["api_keys/machine"].role == "roles/secretmanager.secretAccessor"
    error_message = "each secret is read by those who were named"
  }
  assert {
    condition     = google_secret_manager_secret.this["api_keys"].secret_id == "creditrisk-api_keys"
    error_message = "the start-up script asks by this name"
  }
}

run "accounts_have_few_roles_and_no_keys" {
  command = apply
  module {
    source = "./modules/accounts"
  }
  variables {
    name               = "creditrisk"
    with_run           = false
    github_repository  = "example-lender/creditrisk"
    github_environment = "production"
  }

  assert {
    condition     = keys(google_project_iam_member.machine) == ["roles/logging.logWriter", "roles/monitoring.metricWriter"]
    error_message = "the machine writes its logs and figures; whatever else it may stands on the thing itself"
  }
  assert {
    condition     = google_iam_workload_identity_pool_provider.github.attribute_condition == "assertion.sub == 'repo:example-lender/creditrisk:environment:production'"
    error_message = "one environment of one repository deploys"
  }
  assert {
    condition     = length(google_service_account.run) == 0
    error_message = "no account for a service that does not run"
  }
}
