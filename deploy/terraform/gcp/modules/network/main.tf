# One network with one subnet and no public address. SSH comes through Google's Identity-Aware Proxy alone; MLflow, Airflow
# and Grafana listen on the machine's loopback and are reached through that tunnel.

locals {
  identity_aware_proxy = "35.235.240.0/20"
}

resource "google_compute_network" "this" {
  name                    = var.name
  project                 = var.project_id
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "this" {
  name                       = var.name
  project                    = var.project_id
  region                     = var.region
  network                    = google_compute_network.this.id
  ip_cidr_range              = var.cidr
  private_ip_google_access   = true
  private_ipv6_google_access = "DISABLE_GOOGLE_ACCESS"

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.5
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

# The way out: Debian's packages. Nothing comes in by it.
resource "google_compute_router" "this" {
  name    = var.name
  project = var.project_id
  region  = var.region
  network = google_compute_network.this.id
}

resource "google_compute_router_nat" "this" {
  name                               = var.name
  project                            = var.project_id
  region                             = var.region
  router                             = google_compute_router.this.name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}

resource "google_compute_firewall" "tunnel" {
  name          = "${var.name}-ssh-by-tunnel"
  project       = var.project_id
  network       = google_compute_network.this.id
  description   = "SSH through the Identity-Aware Proxy"
  direction     = "INGRESS"
  source_ranges = [local.identity_aware_proxy]
  target_tags   = [var.machine_tag]

  allow {
    protocol = "tcp"
    ports    = ["22"]
  }
  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}

resource "google_compute_firewall" "api" {
  count         = length(var.api_allowed_cidrs) > 0 ? 1 : 0
  name          = "${var.name}-api"
  project       = var.project_id
  network       = google_compute_network.this.id
  description   = "What ends TLS on the machine before the API"
  direction     = "INGRESS"
  source_ranges = var.api_allowed_cidrs
  target_tags   = [var.machine_tag]

  allow {
    protocol = "tcp"
    ports    = [tostring(var.api_port)]
  }
  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}

# What Google denies anyway, written down and logged.
resource "google_compute_firewall" "nothing_else" {
  name          = "${var.name}-nothing-else"
  project       = var.project_id
  network       = google_compute_network.this.id
  description   = "Everything else is refused and logged"
  direction     = "INGRESS"
  priority      = 65534
  source_ranges = ["0.0.0.0/0"]

  deny {
    protocol = "all"
  }
  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}
