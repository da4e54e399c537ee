variable "name" {
  description = "Identifier of the server."
  type        = string
}

variable "vpc_id" {
  description = "Where it stands."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of two zones or more."
  type        = list(string)
}

variable "client_group_id" {
  description = "Security group that may connect."
  type        = string
}

variable "instance_class" {
  description = "Its size."
  type        = string
}

variable "key_arn" {
  description = "Key that encrypts it."
  type        = string
}

variable "protected" {
  description = "Whether it refuses to be deleted."
  type        = bool
}

variable "log_retention_days" {
  description = "Of its log."
  type        = number
}
