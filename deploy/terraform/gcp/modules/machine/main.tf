# One machine with the compose stack: API, Airflow, a private MLflow, Postgres. What must outlive it lies on a disk of its own.

resource "google_compute_disk" "data" {
  #checkov:skip=CKV_GCP_37: Google encrypts it; a key that the customer brings at each start would have to lie somewhere, too
  name    = "${var.name}-data"
  project = var.project_id
  zone    = var.zone
  type    = "pd-balanced"
  size    = var.data_disk_gb
}

resource "google_compute_resource_policy" "snapshots" {
  name    = "${var.name}-snapshots"
  project = var.project_id
  region  = var.region

  snapshot_schedule_policy {
    schedule {
      daily_schedule {
        days_in_cycle = 1
        start_time    = "02:00"
      }
    }
    retention_policy {
      max_retention_days    = 30
      on_source_disk_delete = "KEEP_AUTO_SNAPSHOTS"
    }
  }
}

resource "google_compute_disk_resource_policy_attachment" "snapshots" {
  name    = google_compute_resource_policy.snapshots.name
  project = var.project_id
  zone    = var.zone
  disk    = google_compute_disk.data.name
}

resource "google_compute_instance" "this" {
  #checkov:skip=CKV_GCP_38: Google encrypts both disks; a key that the customer brings at each start would have to lie somewhere, too
  name                      = var.name
  project                   = var.project_id
  zone                      = var.zone
  machine_type              = var.machine_type
  tags                      = [var.tag]
  allow_stopping_for_update = true
  deletion_protection       = var.protected

  boot_disk {
    initialize_params {
      image = "debian-cloud/debian-13"
      size  = 30
      type  = "pd-balanced"
    }
  }

  attached_disk {
    source      = google_compute_disk.data.id
    device_name = "data" # the start-up script looks for google-data
  }

  # No access_config: no public address.
  network_interface {
    subnetwork = var.subnetwork_id
  }

  service_account {
    email  = var.service_account_email
    scopes = ["https://www.googleapis.com/auth/cloud-platform"] # what it may do is said by its roles
  }

  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  metadata = {
    enable-oslogin               = "TRUE"
    block-project-ssh-keys       = "TRUE"
    serial-port-enable           = "FALSE"
    creditrisk-release           = "gs://${var.bucket_name}/release"
    creditrisk-registry          = var.registry_host
    creditrisk-secret-prefix     = "${var.secret_prefix}-"
    creditrisk-secrets           = join(" ", sort(keys(var.secret_ids)))
    creditrisk-deploy-public-key = var.deploy_public_key
  }
  metadata_startup_script = file("${path.module}/startup.sh")
}

# Who may open the tunnel, and log in behind it.
resource "google_iap_tunnel_instance_iam_member" "tunnel" {
  for_each = var.tunnel_members
  project  = var.project_id
  zone     = var.zone
  instance = google_compute_instance.this.name
  role     = "roles/iap.tunnelResourceAccessor"
  member   = each.key
}

resource "google_compute_instance_iam_member" "login" {
  for_each      = var.tunnel_members
  project       = var.project_id
  zone          = var.zone
  instance_name = google_compute_instance.this.name
  role          = "roles/compute.osAdminLogin"
  member        = each.key
}

resource "google_service_account_iam_member" "login" {
  for_each           = var.tunnel_members
  service_account_id = var.service_account_name
  role               = "roles/iam.serviceAccountUser"
  member             = each.key
}
