# Names, and who may read each. Values are put with gcloud (README.md), so that no state, plan or variable ever holds one.

resource "google_secret_manager_secret" "this" {
  for_each  = var.readers
  project   = var.project_id
  secret_id = "${var.prefix}-${each.key}"

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
  version_destroy_ttl = "2592000s" # 30 days in which a version that was destroyed by mistake comes back
}

locals {
  grants = merge([
    for name, members in var.readers : { for who, member in members : "${name}/${who}" => { name = name, member = member } }
  ]...)
}

resource "google_secret_manager_secret_iam_member" "readers" {
  for_each  = local.grants
  project   = var.project_id
  secret_id = google_secret_manager_secret.this[each.value.name].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = each.value.member
}
