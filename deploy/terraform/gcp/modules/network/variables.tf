variable "name" {
  description = "Of the network."
  type        = string
}

variable "project_id" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "Of the subnet."
  type        = string
}

variable "cidr" {
  description = "Addresses of the subnet."
  type        = string
}

variable "machine_tag" {
  description = "Tag of the machine that is reached."
  type        = string
}

variable "api_allowed_cidrs" {
  description = "Who may reach api_port; empty = through the tunnel only."
  type        = list(string)
}

variable "api_port" {
  description = "Of what ends TLS on the machine."
  type        = number
}
