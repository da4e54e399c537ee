variable "project_id" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "Where values lie."
  type        = string
}

variable "prefix" {
  description = "Before every name, with a hyphen."
  type        = string
}

variable "readers" {
  description = "Name of the secret -> who reads it."
  type        = map(map(string))
}
