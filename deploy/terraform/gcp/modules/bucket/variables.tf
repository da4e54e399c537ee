variable "name" {
  description = "Unique in the whole world."
  type        = string
}

variable "project_id" {
  description = "The project."
  type        = string
}

variable "location" {
  description = "Region in which the data lie."
  type        = string
}

variable "destroyable" {
  description = "Whether a destroy may delete a bucket that is not empty."
  type        = bool
}

variable "members" {
  description = "Who may do what."
  type        = map(object({ role = string, member = string }))
}
