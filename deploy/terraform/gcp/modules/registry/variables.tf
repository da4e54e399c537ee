variable "project_id" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "Where the images lie."
  type        = string
}

variable "name" {
  description = "Of the repository."
  type        = string
}

variable "readers" {
  description = "Who pulls."
  type        = map(string)
}

variable "writers" {
  description = "Who pushes."
  type        = map(string)
}
