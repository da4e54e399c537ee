variable "names" {
  description = "Of the images."
  type        = list(string)
}

variable "key_arn" {
  description = "Key that encrypts them."
  type        = string
}
