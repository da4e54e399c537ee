variable "name" {
  description = "Of the dashboard; begins the topic's."
  type        = string
}

variable "region" {
  description = "Of the figures."
  type        = string
}

variable "book" {
  description = "Whose figures are watched."
  type        = string
}

variable "metric_namespace" {
  description = "As CREDITRISK_CLOUDWATCH_NAMESPACE says."
  type        = string
}

variable "cluster_name" {
  description = "Of the service."
  type        = string
}

variable "service_name" {
  description = "Of the service."
  type        = string
}

variable "load_balancer_suffix" {
  description = "arn_suffix of the load balancer."
  type        = string
}

variable "target_group_suffix" {
  description = "arn_suffix of the target group."
  type        = string
}

variable "database_identifier" {
  description = "Of the decision store."
  type        = string
}

variable "desired_count" {
  description = "Tasks that should run."
  type        = number
}

variable "key_arn" {
  description = "Key that encrypts messages."
  type        = string
}

variable "alarm_emails" {
  description = "Who is told."
  type        = set(string)
}
