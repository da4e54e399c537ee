variable "project_id" {
  description = "The project that all of this is made in."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id is the project's id (6 to 30 small letters, digits, hyphens), not its name or number: gcloud projects list tells it."
  }
}

variable "region" {
  description = "Where all of this is made and data lie, such as europe-west3."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]{1,2}$", var.region))
    error_message = "region is a code such as europe-west3, not a zone (europe-west3-a) and not a name (Frankfurt)."
  }
}

variable "zone" {
  description = "Where the machine stands, such as europe-west3-a."
  type        = string

  validation {
    condition     = startswith(var.zone, "${var.region}-")
    error_message = "zone must lie in region: its name is the region's with a letter behind it, such as europe-west3-a."
  }
}

variable "environment" {
  description = "Label on everything, and the GitHub environment that may deploy."
  type        = string
  default     = "production"

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "environment is staging or production; two of them are two states and two projects."
  }
}

variable "bucket_name" {
  description = "Bucket for data, DVC's remote, MLflow's artefacts and releases; unique in the whole world."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name)) && !startswith(var.bucket_name, "goog")
    error_message = "bucket_name has 3 to 63 small letters, digits and hyphens, no dots, and does not begin with goog: <lender>-creditrisk-production, say."
  }
}

variable "subnet_cidr" {
  description = "Addresses of the subnet."
  type        = string
  default     = "10.61.0.0/24"

  validation {
    condition     = can(cidrhost(var.subnet_cidr, 0)) && try(tonumber(split("/", var.subnet_cidr)[1]), 0) >= 16 && try(tonumber(split("/", var.subnet_cidr)[1]), 99) <= 26
    error_message = "subnet_cidr is a block from /16 to /26, such as 10.61.0.0/24; Cloud Run needs a /26 at least."
  }
}

variable "machine_type" {
  description = "Size of the machine; the stack needs 8 GB."
  type        = string
  default     = "e2-standard-4"

  validation {
    condition     = can(regex("^(e2|n2|n2d|n4|c3|c4)-(standard|highmem)-(2|4|8|16)$", var.machine_type))
    error_message = "machine_type is e2-, n2-, n2d-, n4-, c3- or c4-standard or -highmem with 2 to 16 cores, such as e2-standard-4; smaller ones cannot hold the stack."
  }
}

variable "data_disk_gb" {
  description = "Disk with all volumes: database, artefacts, workspaces."
  type        = number
  default     = 200

  validation {
    condition     = var.data_disk_gb >= 50 && var.data_disk_gb <= 4000
    error_message = "data_disk_gb is 50 to 4000; a disk can grow later and never shrink."
  }
}

variable "tunnel_members" {
  description = "People and groups who may open a tunnel to the machine and log in there."
  type        = set(string)

  validation {
    condition     = length(var.tunnel_members) > 0 && alltrue([for member in var.tunnel_members : can(regex("^(user|group|serviceAccount):[^@ ]+@[^@ ]+$", member))])
    error_message = "tunnel_members lists user:…@…, group:…@… or serviceAccount:…@…; allUsers and whole domains are not let in."
  }
}

variable "api_allowed_cidrs" {
  description = "Who may reach port 443 of the machine, where a proxy of yours ends TLS before the API; empty = the tunnel only."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.api_allowed_cidrs : can(cidrhost(cidr, 0)) && try(tonumber(split("/", cidr)[1]), 0) >= 8])
    error_message = "api_allowed_cidrs lists networks, /8 at the widest, such as 10.0.0.0/8; 0.0.0.0/0 would open the API to everybody."
  }
}

variable "deploy_public_key" {
  description = "Public half of the SSH key that creditrisk deploy vm uses; empty = nobody deploys that way."
  type        = string
  default     = ""

  validation {
    condition     = var.deploy_public_key == "" || can(regex("^(ssh-ed25519|ecdsa-sha2-nistp256) [A-Za-z0-9+/=]+( [^\n]*)?$", var.deploy_public_key))
    error_message = "deploy_public_key is one line as ssh-keygen -t ed25519 writes it to the file ending in .pub; never the private half."
  }
}

variable "github_repository" {
  description = "OWNER/NAME of the repository whose workflows push images and releases; only its environment `environment` may."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "github_repository is OWNER/NAME, without https:// and without *."
  }
}

variable "cloud_run" {
  description = "The API on Cloud Run as well; null = not."
  type = object({
    image               = string
    book                = string
    mlflow_tracking_uri = string
    invokers            = set(string)
    instances_max       = optional(number, 4)
  })
  default = null

  validation {
    condition     = var.cloud_run == null || can(regex("^[a-z0-9.:/_-]+@sha256:[0-9a-f]{64}$", var.cloud_run.image))
    error_message = "cloud_run.image is named by its digest (…/creditrisk-api@sha256:…): a tag may mean other bytes tomorrow."
  }
  validation {
    condition     = var.cloud_run == null || can(regex("^[a-z][a-z0-9_]{0,62}$", var.cloud_run.book))
    error_message = "cloud_run.book is a book's name, such as home_credit: small letters, digits and underscores."
  }
  validation {
    condition     = var.cloud_run == null || can(regex("^https://[^@/]+(/.*)?$", var.cloud_run.mlflow_tracking_uri))
    error_message = "cloud_run.mlflow_tracking_uri begins with https:// and holds no name or password: those are secrets."
  }
  validation {
    condition     = var.cloud_run == null || try(alltrue([for member in var.cloud_run.invokers : can(regex("^(user|group|serviceAccount):[^@ ]+@[^@ ]+$", member))]), false)
    error_message = "cloud_run.invokers lists user:…@…, group:…@… or serviceAccount:…@…; allUsers would open the API to everybody."
  }
  validation {
    condition     = var.cloud_run == null || try(var.cloud_run.instances_max >= 1 && var.cloud_run.instances_max <= 100, false)
    error_message = "cloud_run.instances_max is 1 to 100."
  }
}

variable "protected" {
  description = "Whether machine and service refuse to be deleted; set false and apply before a destroy."
  type        = bool
  default     = true
}
