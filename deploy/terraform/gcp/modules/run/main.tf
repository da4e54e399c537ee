# The API on Cloud Run: no machine to look after, one image by digest, as many instances as there are callers. Its disk is
# memory and goes with the instance, so decisions must be kept in a Postgres of their own (the secret decisions-url).

resource "google_cloud_run_v2_service" "this" {
  name                = var.name
  project             = var.project_id
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_INTERNAL_ONLY"
  deletion_protection = var.protected

  template {
    service_account                  = var.service_account_email
    timeout                          = "60s"
    max_instance_request_concurrency = 80
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"

    scaling {
      min_instance_count = 1 # a model takes seconds to load
      max_instance_count = var.instances_max
    }

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"
      network_interfaces {
        subnetwork = var.subnetwork_name
      }
    }

    containers {
      name  = "api"
      image = var.image
      args  = var.args

      ports {
        container_port = var.port
      }
      resources {
        limits            = { cpu = "1", memory = "2Gi" }
        cpu_idle          = false # chains are written by threads beside the requests
        startup_cpu_boost = true
      }
      dynamic "env" {
        for_each = var.environment
        content {
          name  = env.key
          value = env.value
        }
      }
      dynamic "env" {
        for_each = var.secrets
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = env.value
              version = "latest"
            }
          }
        }
      }
      volume_mounts {
        name       = "workspace"
        mount_path = "/workspace"
      }
      startup_probe {
        initial_delay_seconds = 5
        period_seconds        = 5
        failure_threshold     = 24
        http_get {
          path = var.health_path
          port = var.port
        }
      }
      liveness_probe {
        period_seconds    = 15
        failure_threshold = 3
        http_get {
          path = var.health_path
          port = var.port
        }
      }
    }

    volumes {
      name = "workspace"
      empty_dir {
        medium     = "MEMORY"
        size_limit = "512Mi"
      }
    }
  }

  lifecycle {
    ignore_changes = [template[0].containers[0].image] # releases move it
  }
}

resource "google_cloud_run_v2_service_iam_member" "invokers" {
  for_each = var.invokers
  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.this.name
  role     = "roles/run.invoker"
  member   = each.key
}
