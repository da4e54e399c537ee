variable "cluster_name" {
  description = "Of the cluster."
  type        = string
}

variable "name" {
  description = "Of the service and of the task definition's family."
  type        = string
}

variable "container" {
  description = "Of the container."
  type        = string
}

variable "port" {
  description = "On which it answers."
  type        = number
}

variable "health_path" {
  description = "Answers 200 while the process lives."
  type        = string
}

variable "region" {
  description = "Of its logs."
  type        = string
}

variable "image" {
  description = "By digest."
  type        = string
}

variable "command" {
  description = "Of the image."
  type        = list(string)
}

variable "desired_count" {
  description = "Tasks that run."
  type        = number
}

variable "cpu" {
  description = "1024 = one core."
  type        = number
}

variable "memory" {
  description = "MiB."
  type        = number
}

variable "vpc_id" {
  description = "Where it stands."
  type        = string
}

variable "vpc_cidr" {
  description = "Where Postgres is."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets."
  type        = list(string)
}

variable "balancer_group_id" {
  description = "Security group that may call it."
  type        = string
}

variable "target_group_arn" {
  description = "Where tasks enlist."
  type        = string
}

variable "task_role_arn" {
  description = "What the server may do."
  type        = string
}

variable "execution_role_arn" {
  description = "What ECS may do to start it."
  type        = string
}

variable "key_arn" {
  description = "Key that encrypts its log."
  type        = string
}

variable "log_retention_days" {
  description = "Of its log."
  type        = number
}

variable "secrets" {
  description = "Variable of the environment -> ARN of the secret that holds its value."
  type        = map(string)
}

variable "environment" {
  description = "Plain settings."
  type        = map(string)
}
