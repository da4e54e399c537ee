variable "name" {
  description = "Of the service."
  type        = string
}

variable "project_id" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "Where it runs."
  type        = string
}

variable "image" {
  description = "By digest."
  type        = string
}

variable "args" {
  description = "Of the image."
  type        = list(string)
}

variable "port" {
  description = "On which it answers."
  type        = number
}

variable "health_path" {
  description = "Answers 200 while the process lives."
  type        = string
}

variable "instances_max" {
  description = "More callers than these can serve wait."
  type        = number
}

variable "service_account_email" {
  description = "As whom it acts."
  type        = string
}

variable "subnetwork_name" {
  description = "For addresses inside."
  type        = string
}

variable "environment" {
  description = "Plain settings."
  type        = map(string)
}

variable "secrets" {
  description = "Variable of the environment -> secret."
  type        = map(string)
}

variable "invokers" {
  description = "Who may call it, beside holding a key of the API."
  type        = set(string)
}

variable "protected" {
  description = "Whether it refuses to be deleted."
  type        = bool
}
