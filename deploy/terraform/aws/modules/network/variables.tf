variable "name" {
  description = "Name on everything."
  type        = string
}

variable "cidr" {
  description = "Addresses, cut into sixteenths."
  type        = string
}

variable "region" {
  description = "For the way to S3."
  type        = string
}

variable "availability_zones" {
  description = "One public and one private subnet in each."
  type        = list(string)
}

variable "key_arn" {
  description = "Key that encrypts the flow logs."
  type        = string
}

variable "log_retention_days" {
  description = "Of the flow logs."
  type        = number
}
