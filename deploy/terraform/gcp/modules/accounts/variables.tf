variable "project_id" {
  description = "The project."
  type        = string
}

variable "name" {
  description = "Begins their names."
  type        = string
}

variable "with_run" {
  description = "Whether Cloud Run needs one."
  type        = bool
}

variable "github_repository" {
  description = "OWNER/NAME."
  type        = string
}

variable "github_environment" {
  description = "The environment whose workflows may deploy."
  type        = string
}
