variable "name" {
  description = "Begins the name of the deploy role."
  type        = string
}

variable "account_id" {
  description = "Of this account."
  type        = string
}

variable "region" {
  description = "Of the service."
  type        = string
}

variable "bucket_arn" {
  description = "Data and artefacts."
  type        = string
}

variable "repository_arns" {
  description = "Of the images."
  type        = list(string)
}

variable "secret_arns" {
  description = "That a task is started with."
  type        = list(string)
}

variable "key_arn" {
  description = "Key that encrypts all of them."
  type        = string
}

variable "log_group_arn" {
  description = "Of the service."
  type        = string
}

variable "cluster_name" {
  description = "Of the service."
  type        = string
}

variable "service_name" {
  description = "Begins the names of its roles."
  type        = string
}

variable "metric_namespace" {
  description = "The one namespace that figures may be sent to."
  type        = string
}

variable "github_repository" {
  description = "OWNER/NAME."
  type        = string
}

variable "github_environment" {
  description = "The environment whose workflows may deploy."
  type        = string
}

variable "github_oidc_provider_arn" {
  description = "null = made here."
  type        = string
}
