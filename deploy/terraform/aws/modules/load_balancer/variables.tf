variable "name" {
  description = "Of the load balancer."
  type        = string
}

variable "service_name" {
  description = "Of the target group."
  type        = string
}

variable "port" {
  description = "On which tasks answer."
  type        = number
}

variable "health_path" {
  description = "Answers 200 while the process lives."
  type        = string
}

variable "public" {
  description = "Whether it has a public address."
  type        = bool
}

variable "vpc_id" {
  description = "Where it stands."
  type        = string
}

variable "vpc_cidr" {
  description = "Where tasks are."
  type        = string
}

variable "subnet_ids" {
  description = "Of two zones or more."
  type        = list(string)
}

variable "allowed_cidrs" {
  description = "Who may call."
  type        = list(string)
}

variable "certificate_arn" {
  description = "Of the API's name."
  type        = string
}

variable "account_id" {
  description = "Whose load balancers may write access logs."
  type        = string
}

variable "log_bucket_name" {
  description = "For access logs."
  type        = string
}

variable "protected" {
  description = "Whether it refuses to be deleted."
  type        = bool
}
