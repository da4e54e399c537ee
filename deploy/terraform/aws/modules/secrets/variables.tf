variable "prefix" {
  description = "Before every name, with a slash."
  type        = string
}

variable "names" {
  description = "Of the secrets."
  type        = list(string)
}

variable "key_arn" {
  description = "Key that encrypts them."
  type        = string
}
