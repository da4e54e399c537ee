variable "name" {
  description = "Unique in the whole world."
  type        = string
}

variable "key_arn" {
  description = "Key that encrypts it."
  type        = string
}

variable "account_id" {
  description = "No other account reaches it, whatever its policies say."
  type        = string
}

variable "destroyable" {
  description = "Whether a destroy may delete a bucket that is not empty."
  type        = bool
}
