variable "name" {
  description = "Of the machine."
  type        = string
}

variable "project_id" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "Of the snapshots."
  type        = string
}

variable "zone" {
  description = "Of the machine."
  type        = string
}

variable "machine_type" {
  description = "Its size."
  type        = string
}

variable "data_disk_gb" {
  description = "Of the disk with all volumes."
  type        = number
}

variable "tag" {
  description = "That firewall rules name."
  type        = string
}

variable "subnetwork_id" {
  description = "Where it stands."
  type        = string
}

variable "service_account_email" {
  description = "As whom it acts."
  type        = string
}

variable "service_account_name" {
  description = "The same, in full."
  type        = string
}

variable "bucket_name" {
  description = "Where its release lies."
  type        = string
}

variable "registry_host" {
  description = "Where its images come from."
  type        = string
}

variable "secret_prefix" {
  description = "Before the names of its secrets."
  type        = string
}

variable "secret_ids" {
  description = "File on the machine -> secret."
  type        = map(string)
}

variable "deploy_public_key" {
  description = "Of the SSH key of creditrisk deploy vm; empty = nobody deploys that way."
  type        = string
}

variable "tunnel_members" {
  description = "Who may tunnel and log in."
  type        = set(string)
}

variable "protected" {
  description = "Whether it refuses to be deleted."
  type        = bool
}
