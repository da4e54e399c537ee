variable "project_id" {
  description = "The project."
  type        = string
}

variable "names" {
  description = "Such as compute.googleapis.com."
  type        = list(string)
}
