variable "name" {
  description = "Alias of the key."
  type        = string
}

variable "account_id" {
  description = "Whose policies decide on the key."
  type        = string
}

variable "region" {
  description = "Of the logs that it encrypts."
  type        = string
}
