# Nobody reaches the machine but through the tunnel, and MLflow by nothing else.

mock_provider "google" {}

variables {
  project_id = "example-creditrisk"
  region     = "europe-west3"
  zone       = "europe-west3-a"
  name       = "creditrisk"
}

run "ssh_comes_through_the_tunnel_alone" {
  command = apply
  module {
    source = "./modules/network"
  }
  variables {
    cidr              = "10.61.0.0/24"
    machine_tag       = "creditrisk-machine"
    api_allowed_cidrs = []
    api_port          = 443
  }

  assert {
    condition     = google_compute_firewall.tunnel.source_ranges == toset(["35.235.240.0/20"]) && one(google_compute_firewall.tunnel.allow).ports == tolist(["22"])
    error_message = "SSH from the Identity-Aware Proxy, and no other port: MLflow listens on loopback"
  }
  assert {
    condition     = length(google_compute_firewall.api) == 0
    error_message = "the API's port is shut unless callers are named"
  }
  assert {
    condition     = length(google_compute_firewall.nothing_else.allow) == 0 && length(google_compute_firewall.nothing_else.deny) == 1
    error_message = "the rest is refused"
  }
  assert {
    condition     = !google_compute_network.this.auto_create_subnetworks && google_compute_subnetwork.this.private_ip_google_access
    error_message = "one subnet, which reaches Google without a public address"
  }
}

run "callers_that_are_named_reach_the_api_and_nothing_else" {
  command = apply
  module {
    source = "./modules/network"
  }
  variables {
    cidr              = "10.61.0.0/24"
    machine_tag       = "creditrisk-machine"
    api_allowed_cidrs = ["10.20.0.0/16"]
    api_port          = 443
  }

  assert {
    condition     = google_compute_firewall.api[0].source_ranges == toset(["10.20.0.0/16"]) && one(google_compute_firewall.api[0].allow).ports == tolist(["443"])
    error_message = "one port, for those who were named"
  }
}

run "the_machine_has_no_public_address" {
  command = apply
  module {
    source = "./modules/machine"
  }
  variables {
    machine_type          = "e2-standard-4"
    data_disk_gb          = 200
    tag                   = "creditrisk-machine"
    subnetwork_id         = "projects/example/regions/europe-west3/subnetworks/creditrisk"
    service_account_email = "creditrisk-machine@example.iam.gserviceaccount.com"
    service_account_name  = "projects/example/serviceAccounts/creditrisk-machine@example.iam.gserviceaccount.com"
    bucket_name           = "example-creditrisk"
    registry_host         = "europe-west3-docker.pkg.dev"
    secret_prefix         = "creditrisk"
    secret_ids            = { api_keys = "creditrisk-api_keys" }
    deploy_public_key     = ""
    tunnel_members        = ["group:credit-platform@example.org"]
    protected             = true
  }

  assert {
    condition     = length(google_compute_instance.this.network_interface) == 1 && length(google_compute_instance.this.network_interface[0].access_config) == 0
    error_message = "without access_config there is no public address"
  }
  assert {
    condition     = google_compute_instance.this.metadata.enable-oslogin == "TRUE" && google_compute_instance.this.metadata.block-project-ssh-keys == "TRUE"
    error_message = "who logs in is said by IAM, not by keys of the project"
  }
  assert {
    condition     = google_compute_instance.this.shielded_instance_config[0].enable_secure_boot && google_compute_instance.this.deletion_protection
    error_message = "shielded, and not deleted by mistake"
  }
  assert {
    condition     = keys(google_iap_tunnel_instance_iam_member.tunnel) == ["group:credit-platform@example.org"]
    error_message = "those who were named open the tunnel"
  }
  assert {
    condition     = google_compute_resource_policy.snapshots.snapshot_schedule_policy[0].retention_policy[0].max_retention_days == 30
    error_message = "the disk with all volumes has a snapshot for each of 30 days"
  }
}
