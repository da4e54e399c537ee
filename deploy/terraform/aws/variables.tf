variable "account_id" {
  description = "The account that all of this is made in; another account's credentials are refused."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id has 12 digits: aws sts get-caller-identity --query Account tells yours."
  }
}

variable "region" {
  description = "Where all of this is made, such as eu-central-1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is a code such as eu-central-1, not an availability zone (eu-central-1a) and not a name (Frankfurt)."
  }
}

variable "availability_zones" {
  description = "Two or three zones of the region; the load balancer needs two."
  type        = list(string)

  validation {
    condition     = length(var.availability_zones) >= 2 && length(var.availability_zones) <= 3
    error_message = "Name two or three availability zones: aws ec2 describe-availability-zones lists them."
  }
  validation {
    condition     = alltrue([for zone in var.availability_zones : startswith(zone, var.region)])
    error_message = "Every availability zone must lie in region: its name is the region's with a letter behind it."
  }
}

variable "environment" {
  description = "Tag on everything, and the GitHub environment that may deploy."
  type        = string
  default     = "production"

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "environment is staging or production; two of them are two states and two accounts."
  }
}

variable "bucket_name" {
  description = "Bucket for data, DVC's remote and MLflow's artefacts; unique in the whole world."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,50}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name has 3 to 52 small letters, digits and hyphens, no dots: <lender>-creditrisk-production, say."
  }
}

variable "vpc_cidr" {
  description = "Addresses of the network, a /16 to /20."
  type        = string
  default     = "10.60.0.0/16"

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && try(tonumber(split("/", var.vpc_cidr)[1]), 0) >= 16 && try(tonumber(split("/", var.vpc_cidr)[1]), 99) <= 20
    error_message = "vpc_cidr is a block from /16 to /20, such as 10.60.0.0/16; choose one that no network you peer with uses."
  }
}

variable "public" {
  description = "Whether the load balancer has a public address; false = reached from the network and what is peered with it."
  type        = bool
  default     = false
}

variable "allowed_cidrs" {
  description = "Who may call the API: the lender's own networks, or the fixed addresses of its partners."
  type        = list(string)

  validation {
    condition     = length(var.allowed_cidrs) > 0 && alltrue([for cidr in var.allowed_cidrs : can(cidrhost(cidr, 0))])
    error_message = "allowed_cidrs lists at least one block, such as 10.0.0.0/8 or 203.0.113.7/32."
  }
  validation {
    condition     = alltrue([for cidr in var.allowed_cidrs : try(tonumber(split("/", cidr)[1]), 0) >= 8])
    error_message = "allowed_cidrs must not open the API to everybody: name your callers' networks, /8 at the widest, not 0.0.0.0/0."
  }
}

variable "certificate_arn" {
  description = "Certificate (ACM) of the API's name; the load balancer ends TLS."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/", var.certificate_arn))
    error_message = "certificate_arn is an ARN of ACM in the same region: aws acm list-certificates tells it, aws acm request-certificate makes one."
  }
}

variable "book" {
  description = "The book that the service decides for; figures of it are watched."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.book))
    error_message = "book is a book's name, such as home_credit: small letters, digits and underscores."
  }
}

variable "image" {
  description = "Image that the first task runs, by digest; later ones are put in by creditrisk deploy ecs."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9.:/_-]+@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image is named by its digest (…/creditrisk-api@sha256:…): a tag may mean other bytes tomorrow. aws ecr describe-images tells it."
  }
}

variable "mlflow_tracking_uri" {
  description = "MLflow that registers the models, over https."
  type        = string

  validation {
    condition     = can(regex("^https://[^@/]+(/.*)?$", var.mlflow_tracking_uri))
    error_message = "mlflow_tracking_uri begins with https:// and holds no name or password: those are the secrets MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
  }
}

variable "desired_count" {
  description = "Tasks that run; 0 until the image was pushed and the secrets have values."
  type        = number
  default     = 2

  validation {
    condition     = var.desired_count == 0 || (var.desired_count >= 2 && var.desired_count <= 50)
    error_message = "desired_count is 0 (nothing runs yet) or 2 to 50: one task alone does not survive the loss of its zone."
  }
}

variable "cpu" {
  description = "CPU units of a task, 1024 = one core."
  type        = number
  default     = 1024

  validation {
    condition     = contains([512, 1024, 2048, 4096], var.cpu)
    error_message = "cpu is 512, 1024, 2048 or 4096, as Fargate sells it."
  }
}

variable "memory" {
  description = "Memory of a task in MiB."
  type        = number
  default     = 3072

  validation {
    condition     = var.memory % 1024 == 0 && var.memory >= 2 * var.cpu && var.memory <= 8 * var.cpu
    error_message = "memory is a multiple of 1024, from 2 to 8 MiB for each CPU unit: 2048 to 8192 with cpu = 1024."
  }
}

variable "database_instance_class" {
  description = "Size of the Postgres server that keeps decisions."
  type        = string
  default     = "db.t4g.medium"

  validation {
    condition     = can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.database_instance_class))
    error_message = "database_instance_class is a class such as db.t4g.medium or db.m7g.large."
  }
}

variable "github_repository" {
  description = "OWNER/NAME of the repository whose workflows deploy; only its environment `environment` may."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "github_repository is OWNER/NAME, without https:// and without *."
  }
}

variable "github_oidc_provider_arn" {
  description = "GitHub's OIDC provider, if the account has it already (it can have one); null = it is made here."
  type        = string
  default     = null

  validation {
    condition     = var.github_oidc_provider_arn == null || can(regex(":oidc-provider/token\\.actions\\.githubusercontent\\.com$", var.github_oidc_provider_arn))
    error_message = "github_oidc_provider_arn ends in :oidc-provider/token.actions.githubusercontent.com: aws iam list-open-id-connect-providers tells it."
  }
}

variable "alarm_emails" {
  description = "Who is told of alarms; each address confirms once."
  type        = set(string)

  validation {
    condition     = length(var.alarm_emails) > 0 && alltrue([for address in var.alarm_emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", address))])
    error_message = "alarm_emails has at least one e-mail address: an alarm that nobody hears is none."
  }
}

variable "log_retention_days" {
  description = "How long log lines are kept; decisions are kept elsewhere, by the book's retention."
  type        = number
  default     = 400

  validation {
    condition     = contains([365, 400, 545, 731, 1096, 1827, 3653], var.log_retention_days)
    error_message = "log_retention_days is a period that CloudWatch knows, a year at least: 365, 400, 545, 731, 1096, 1827 or 3653."
  }
}

variable "protected" {
  description = "Whether database and load balancer refuse to be deleted; set false and apply before a destroy."
  type        = bool
  default     = true
}
