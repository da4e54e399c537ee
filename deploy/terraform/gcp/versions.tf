terraform {
  required_version = ">= 1.10"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }

  # Where the state lies stands in a file of its own: terraform init -backend-config=backend.hcl (see README.md).
  backend "gcs" {}
}

provider "google" {
  project = var.project_id
  region  = var.region

  default_labels = {
    project     = "creditrisk"
    environment = var.environment
  }
}
