# Raw data, DVC's remote, MLflow's artefacts, releases of the machine: every version kept for a year, nothing public.

resource "google_storage_bucket" "this" {
  #checkov:skip=CKV_GCP_62: who read what is told by Cloud Audit Logs, which the project keeps; logs in a second bucket would double it
  name                        = var.name
  project                     = var.project_id
  location                    = var.location
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.destroyable

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 604800
  }

  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 30
      with_state                 = "ARCHIVED"
    }
    action {
      type          = "SetStorageClass"
      storage_class = "NEARLINE"
    }
  }
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 365
      with_state                 = "ARCHIVED"
    }
    action {
      type = "Delete"
    }
  }
  lifecycle_rule {
    condition {
      age = 7
    }
    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }
}

resource "google_storage_bucket_iam_member" "this" {
  for_each = var.members
  bucket   = google_storage_bucket.this.name
  role     = each.value.role
  member   = each.value.member
}
