# Cloud Run only when asked; wrong values are refused before anything is made, each with what to do.

mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      email  = "mocked@example-creditrisk.iam.gserviceaccount.com"
      member = "serviceAccount:mocked@example-creditrisk.iam.gserviceaccount.com"
      name   = "projects/example-creditrisk/serviceAccounts/mocked@example-creditrisk.iam.gserviceaccount.com"
    }
  }
}

variables {
  project_id        = "example-creditrisk"
  region            = "europe-west3"
  zone              = "europe-west3-a"
  bucket_name       = "example-creditrisk"
  tunnel_members    = ["group:credit-platform@example.org"]
  github_repository = "example-lender/creditrisk"
}

run "without_cloud_run" {
  command = apply

  assert {
    condition     = length(module.run) == 0 && output.cloud_run_url == null && length(output.secrets) == length(local.machine_secrets)
    error_message = "Cloud Run, its account and its secrets are made when asked for"
  }
  assert {
    condition     = strcontains(output.tunnel, "--tunnel-through-iap") && strcontains(output.tunnel, "-L 5000:127.0.0.1:5000")
    error_message = "MLflow is reached through the tunnel"
  }
}

run "with_cloud_run" {
  command = apply
  variables {
    cloud_run = {
      image               = "europe-west3-docker.pkg.dev/example/creditrisk/creditrisk-api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      book                = "home_credit"
      mlflow_tracking_uri = "https://mlflow.example.org"
      invokers            = ["serviceAccount:underwriting@example.iam.gserviceaccount.com"]
    }
  }

  assert {
    condition     = length(module.run) == 1 && length(output.secrets) == length(local.machine_secrets) + length(local.run_secrets)
    error_message = "with its secrets"
  }
}

run "cloud_run_is_inside_and_asks_who_calls" {
  command = apply
  module {
    source = "./modules/run"
  }
  variables {
    name                  = "creditrisk-api"
    image                 = "example@sha256:0"
    args                  = ["serve", "home_credit"]
    port                  = 8080
    health_path           = "/health"
    instances_max         = 4
    service_account_email = "creditrisk-run@example.iam.gserviceaccount.com"
    subnetwork_name       = "creditrisk"
    environment           = { MODEL_ALIAS = "production" }
    secrets               = { CREDITRISK_API_KEYS = "creditrisk-run_api_keys" }
    invokers              = ["serviceAccount:underwriting@example.iam.gserviceaccount.com"]
    protected             = true
  }

  assert {
    condition     = google_cloud_run_v2_service.this.ingress == "INGRESS_TRAFFIC_INTERNAL_ONLY"
    error_message = "nobody calls it from outside"
  }
  assert {
    condition     = keys(google_cloud_run_v2_service_iam_member.invokers) == ["serviceAccount:underwriting@example.iam.gserviceaccount.com"]
    error_message = "those who were named call it"
  }
  assert {
    condition = [
      for told in google_cloud_run_v2_service.this.template[0].containers[0].env :
      one(one(told.value_source).secret_key_ref).secret if told.name == "CREDITRISK_API_KEYS"
    ] == ["creditrisk-run_api_keys"]
    error_message = "a secret is named, never written"
  }
}

run "everybody_is_not_a_caller" {
  command         = plan
  expect_failures = [var.api_allowed_cidrs, var.cloud_run]
  variables {
    api_allowed_cidrs = ["0.0.0.0/0"]
    cloud_run = {
      image               = "creditrisk-api:latest"
      book                = "Home Credit"
      mlflow_tracking_uri = "http://user:password@mlflow"
      invokers            = ["allUsers"]
      instances_max       = 0
    }
  }
}

run "the_zone_lies_in_the_region" {
  command         = plan
  expect_failures = [var.zone]
  variables {
    zone = "us-east1-b"
  }
}

run "wrong_values_are_refused" {
  command = plan
  expect_failures = [
    var.project_id, var.region, var.environment, var.bucket_name, var.subnet_cidr, var.machine_type,
    var.data_disk_gb, var.tunnel_members, var.deploy_public_key, var.github_repository,
  ]
  variables {
    project_id        = "My Project"
    region            = "Frankfurt"
    environment       = "test"
    bucket_name       = "google.example"
    subnet_cidr       = "10.0.0.0/30"
    machine_type      = "e2-micro"
    data_disk_gb      = 10
    tunnel_members    = ["allUsers"]
    deploy_public_key = "-----BEGIN OPENSSH PRIVATE KEY-----"
    github_repository = "example-lender/*"
  }
}
